"""The agent's side of a running measurement, in a process of its own, and what the truth scripts check of it."""
import json
import pathlib
import shlex
import subprocess
import threading

import numpy as np

REPO = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 120


class Follower:
    def __init__(self, deno, backend, config):
        self.request = {"backend": backend, "config": config}
        self.child = subprocess.Popen(
            [*shlex.split(deno), "run", "-A", "--no-check", "--quiet", str(REPO / "tests/python/follow_session.ts")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO)
        self.changed = threading.Condition()
        self.following, self.results, self.seen = set(), {}, {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.child.stdout:
            message = json.loads(line)
            item = message["identifier"]
            with self.changed:
                if "following" in message:
                    self.following.add(item)
                elif "variables" in message:
                    self.results[item] = {**message, "variables": {v["name"]: v for v in message["variables"]}}
                else:
                    self.seen.setdefault(item, []).append((message["t"] / 1000, message["cells"]))
                self.changed.notify_all()

    def follow(self, identifier, **until):
        self.child.stdin.write(json.dumps({**self.request, "identifier": identifier, **until}) + "\n")
        self.child.stdin.flush()
        self.wait(lambda: identifier in self.following)

    def result(self, identifier):
        self.wait(lambda: identifier in self.results)
        return self.results[identifier]

    def wait(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                raise SystemExit("the follower does not answer")

    def delays(self, identifier, flushes, variable):
        """Times from a flush (time, cells) to the look that had it, in s."""
        seen = self.seen.get(identifier, [])
        found = [next((t for t, cells in seen if cells.get(variable, 0) >= n), None) for _, n in flushes]
        return [t - at for t, (at, _) in zip(found, flushes) if t is not None]

    def end(self):
        self.child.stdin.close()
        self.child.wait(PATIENCE)


class LiveChecks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def note(self, ok, what, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print(f"FAILED {what}: {detail}")

    def same(self, what, variable, expected):
        """Cells that nobody wrote are NaN in what is expected."""
        expected = np.asarray(expected)
        if expected.dtype.kind in "OUS":
            self.note(list(variable["values"]) == list(expected), what, variable["values"][:8])
            return
        found = np.array([float(v) for v in variable["values"]]).reshape(variable["shape"])
        self.note(found.shape == expected.shape and np.array_equal(found, expected.astype(float), equal_nan=True), what,
                  f"{found.shape} {found.ravel()[:8]}, expected {expected.shape} {expected.ravel()[:8]}")

    def report(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed > 0


def percentiles(delays):
    return f"p50 {1000 * np.percentile(delays, 50):.0f} ms, p99 {1000 * np.percentile(delays, 99):.0f} ms"
