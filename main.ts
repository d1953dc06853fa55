/** The entry of every role of the executable: the command line, and the child processes it starts of itself. */
const [role, ...args] = Deno.args;
if (role === "__reader") {
  const { runReader } = await import("./src/readers/child.ts");
  await runReader(args);
} else if (role === "__live") {
  const { runLiveHost } = await import("./src/readers/live/host.ts");
  runLiveHost(args);
} else {
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
