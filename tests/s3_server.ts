/**
 * A real S3 server for tests: versitygw on a free port of this computer, with one bucket in a temporary folder.
 * Its binary is looked for in `ETIKET_TEST_S3` (the path of the executable), on the PATH, and where
 * `go install github.com/versity/versitygw/cmd/versitygw@latest` puts it.
 */
import { existsSync } from "node:fs";
import type { S3StoreOptions } from "../src/hub/s3/store_options.ts";

const BUCKET = "etiket-test";

export interface S3Server {
  /** What `openHub({ store })` takes. */
  store: S3StoreOptions;
  /** Objects are files below it, by their names. */
  folder: string;
  /** Resolves when the server has ended and its folder is gone. */
  stop(): Promise<void>;
}

/** Runs a test with an S3 server; where there is none it says so and the test passes. */
export async function withS3Server(test: (server: S3Server) => Promise<void>): Promise<void> {
  const server = await startS3Server();
  if (!server) return;
  try {
    await test(server);
  } finally {
    await server.stop();
  }
}

/** Starts an S3 server. @returns null, after saying so, where there is none */
export async function startS3Server(): Promise<S3Server | null> {
  const program = findProgram();
  if (!program) {
    console.log("not run: no S3 server (versitygw; name its executable in ETIKET_TEST_S3)");
    return null;
  }
  const folder = await Deno.makeTempDir({ prefix: "s3_" });
  await Deno.mkdir(`${folder}/${BUCKET}`);
  const store = { bucket: BUCKET, region: "us-east-1", accessKeyId: "test", secretAccessKey: "test-secret" };
  // Another process may take the free port before the server does: then it ends at once, and the next port is tried.
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = freePort();
    const options = [
      "--access",
      store.accessKeyId,
      "--secret",
      store.secretAccessKey,
      "--region",
      store.region,
    ];
    const process = new Deno.Command(program, {
      args: [...options, "--port", `127.0.0.1:${port}`, "--quiet", "--keep-alive", "posix", folder],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let hasEnded = false;
    const ended = process.status.then(() => hasEnded = true);
    while (!hasEnded && !await answers(port)) await new Promise((resolve) => setTimeout(resolve, 20));
    if (hasEnded) continue;
    return {
      store: { ...store, endpoint: `http://127.0.0.1:${port}` },
      folder: `${folder}/${BUCKET}`,
      async stop() {
        // Its graceful end waits for idle connections.
        if (!hasEnded) process.kill("SIGKILL");
        await ended;
        await Deno.remove(folder, { recursive: true });
      },
    };
  }
  await Deno.remove(folder, { recursive: true });
  throw new Error(`${program} does not start`);
}

function findProgram(): string | null {
  const named = Deno.env.get("ETIKET_TEST_S3");
  if (named) return named;
  const folders = [
    ...(Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== ""),
    `${Deno.env.get("HOME") ?? ""}/go/bin`,
  ];
  return folders.map((folder) => `${folder}/versitygw`).find((path) => existsSync(path)) ?? null;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Whether something accepts connections on a port. */
async function answers(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
