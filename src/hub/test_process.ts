/** Processes that work on a hub until they are killed, for tests. */

/** Starts a module of this folder; what it prints is read with {@link linesOf}. */
export function startModule(file: string, ...args: string[]): Deno.ChildProcess {
  const path = new URL(file, import.meta.url).pathname;
  const options: Deno.CommandOptions = { stdout: "piped", stderr: "inherit" };
  return new Deno.Command(Deno.execPath(), { ...options, args: ["run", "-A", "--quiet", path, ...args] })
    .spawn();
}

/** Whole lines that a process prints, from its start to its end. */
export function linesOf(process: Deno.ChildProcess): ReadableStreamDefaultReader<string> {
  let rest = "";
  const split = new TransformStream<string, string>({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(line);
    },
  });
  return process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(split).getReader();
}

export async function remaining(lines: ReadableStreamDefaultReader<string>): Promise<string[]> {
  const all: string[] = [];
  for (let { done, value } = await lines.read(); !done; { done, value } = await lines.read()) {
    all.push(value ?? "");
  }
  return all;
}
