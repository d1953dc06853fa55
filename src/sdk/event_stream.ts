/** Server-sent events, read as they arrive. */

/**
 * The data of each event.
 * @param onHeard called for everything that arrives, also for lines that say nothing
 */
export async function* eventData(
  body: AsyncIterable<Uint8Array>,
  onHeard: () => void = () => {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    onHeard();
    pending += decoder.decode(chunk, { stream: true });
    const events = pending.split(/\r?\n\r?\n/);
    pending = events.pop() ?? "";
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length > 0) yield data.join("\n");
    }
  }
}
