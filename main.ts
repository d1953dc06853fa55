/** The entry of every role of the executable: the command line, and the reader processes it starts of itself. */
if (Deno.args[0] === "__reader") {
  const { runReader } = await import("./src/readers/child.ts");
  await runReader(Deno.args.slice(1));
} else {
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
