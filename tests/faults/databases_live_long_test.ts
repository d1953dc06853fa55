/** Measurements in databases followed by a real agent while writers and servers are killed. */
import { fileURLToPath } from "node:url";
import { Writer } from "../../backends/core_tools/test_live.ts";
import { CoreToolsLab } from "../../backends/core_tools/testing.ts";
import { Workspace } from "../agent_process.ts";
import { assertEquals } from "../assert.ts";
import { follow, type Following, liveHosts, sessionOf, until } from "../live_agent.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { RunWriter } from "../../backends/resonance/mod.ts";
import { imageOf } from "../resonance_kills.ts";
import { sourcesToml } from "./every_source.ts";

async function withSource(
  backend: string,
  config: Record<string, string | number | boolean>,
  work: (w: Workspace) => Promise<void>,
): Promise<void> {
  await using w = await Workspace.make();
  await Deno.mkdir(w.home);
  await Deno.writeTextFile(`${w.home}/config.toml`, sourcesToml([{ name: "lab", backend, config }]));
  await work(w);
}

/** Cells as they were measured, those behind the last point not at all. */
function assertMeasured({ replay }: Following, points: number): void {
  const written = replay.written("I_sd");
  assertEquals(written, written.map((_, i) => i < points));
  assertEquals(
    replay.array("I_sd").slice(0, points),
    Array.from({ length: points }, (_, i) => Writer.valueAt(i)),
  );
  replay.assertWrittenOnce();
}

Deno.test("core_tools: two measurements through a killed server and a killed agent; what they become is the same", async () => {
  await using lab = await CoreToolsLab.start();
  const { dbname, user, password, host, port } = lab.config;
  const config = {
    ...{ dbname: String(dbname), user: String(user), password: String(password) },
    ...{ host: String(host), port: Number(port) },
  };
  await withSource("core_tools", config, async (w) => {
    const [one, two] = [await Writer.begin(lab, [6, 5], "one"), await Writer.begin(lab, [40], "two")];
    await Promise.all([one.write(4), two.write(4)]);
    {
      await using serve = await w.serve();
      const [first, second] = [
        await sessionOf(serve, isNamed("one")),
        await sessionOf(serve, isNamed("two")),
      ];
      await using a = follow(serve, first);
      await using b = follow(serve, second);
      for (let n = 5; n <= 12; n++) {
        await Promise.all([one.write(1, { notify: one.uuid }), two.write(1)]);
        await a.until(`point ${n}`, () => a.replay.writtenCount("I_sd") === n);
      }
      await b.until("12 points", () => b.replay.writtenCount("I_sd") === 12);
      await lab.server.kill();
      await lab.server.resume();
      await using again = await Writer.of(lab, two.id, [40]);
      await again.writeBytes(12);
      await again.write(8);
      await b.until("20 points", () => b.replay.writtenCount("I_sd") === 20);
      [[a, 12], [b, 20]].forEach(([followed, n]) => assertMeasured(followed as Following, n as number));
      assertEquals(
        [a.subscriber.epochs.size, b.subscriber.epochs.size],
        [1, 1],
        "a server that comes back is waited for",
      );
      await serve.end("SIGKILL");
    }
    await until("the killed agent's readers are gone", () => liveHosts(w.home).length === 0);
    await using last = await Writer.of(lab, one.id, [6, 5]);
    await last.write(25);
    await using serve = await w.serve();
    await using a = follow(serve, await sessionOf(serve, isNamed("one")));
    await a.until("25 points", () => a.replay.writtenCount("I_sd") === 25);
    await last.write(5).catch(() => {});
    await last.complete();
    await a.ended();
    assertEquals([a.replay.end?.reason, a.replay.end?.complete], ["completed", true]);
    assertMeasured(a, 30);
    await until("it is synchronized", async () => (await w.items())[one.id]?.status === "synchronized");
    await serve.end();
    const { measurement = "" } = await w.download((await w.items())[one.id]?.datasetUUID ?? "");
    assertEquals(a.replay.differences(await netcdfContent(measurement)), []);
    for (const writer of [one, two]) await writer[Symbol.asyncDispose]();
  });
});

Deno.test("resonance: events and images of a writer in another process, which is killed; the next run ends", () =>
  withResonance(async (w, path) => {
    await using serve = await w.serve();
    let killed = "";
    {
      await using writer = await ResonanceWriter.start(path);
      await writer.write(3);
      const session = await sessionOf(serve, () => true);
      killed = session.id;
      await using a = follow(serve, session);
      await a.until("3 events", () => a.replay.writtenCount("x") === 3);
      await writer.write(4);
      await a.until(
        "7 events and images",
        () => a.replay.shape("ccd")[0] === 7 && a.replay.writtenCount("x") === 7,
      );
      writer.child.kill("SIGKILL");
      await writer.child.status;
      assertEquals(a.replay.end, undefined, "nobody knows that it is over");
      assertEquals(a.replay.array("ccd"), images(7));
      a.replay.assertWrittenOnce(["x", "ccd"]);
    }
    await using writer = await ResonanceWriter.start(path);
    await writer.write(2);
    const session = await sessionOf(serve, ({ id }) => id !== killed);
    await using b = follow(serve, session);
    await writer.write(3);
    await writer.say("close");
    await b.ended();
    assertEquals([b.replay.end?.reason, b.replay.end?.complete], ["completed", true]);
    assertEquals([b.replay.array("x"), b.replay.array("ccd")], [[0, 1, 2, 3, 4], images(5)]);
    b.replay.assertWrittenOnce();
    await until("it is synchronized", async () => (await w.items())[writer.uid]?.status === "synchronized");
    await serve.end();
    const files = await w.download((await w.items())[writer.uid]?.datasetUUID ?? "");
    const { variables } = await netcdfContent(files["images/ccd"] ?? "");
    assertEquals(variables.ccd?.values, images(5));
  }));

const images = (n: number) => Array.from({ length: n }, (_, i) => [...imageOf("ccd", i)]).flat();
const isNamed = (name: string) => (session: { name: string }) => session.name === name;

class ResonanceWriter implements AsyncDisposable {
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(readonly child: Deno.ChildProcess, readonly uid: string) {
    this.#orders = child.stdin.getWriter();
  }

  static async start(database: string): Promise<ResonanceWriter> {
    const script = fileURLToPath(new URL("./resonance_live_writer.ts", import.meta.url));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, database],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    return new ResonanceWriter(child, new TextDecoder().decode(value).trim());
  }

  async say(line: string): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Has events with an image each written. */
  write(events: number): Promise<void> {
    return this.say(String(events));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#orders.close().catch(() => {});
    await this.child.status;
    await this.child.stdout.cancel();
  }
}

async function withResonance(work: (w: Workspace, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "resonance_" });
  try {
    new RunWriter(`${folder}/beamtime.db`, { name: "film" }).open().close();
    await withSource(
      "resonance",
      { database_path: `${folder}/beamtime.db` },
      (w) => work(w, `${folder}/beamtime.db`),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
