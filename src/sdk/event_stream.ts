/** Server-sent events, read as they arrive. */

/**
 * The data of each event.
 * @param onHeard called for everything that arrives, also for lines that say nothing
 */
export async function* eventData(
  body: AsyncIterable<Uint8Array>,
  onHeard: () => void = () => {},
): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const lines of linesOf(body, onHeard)) {
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      if (line !== "" || data.length === 0) continue;
      yield data.join("\n");
      data = [];
    }
  }
}

/** Whole lines, as many as arrive at once. A line may be very long: its pieces are joined only once. */
async function* linesOf(body: AsyncIterable<Uint8Array>, onHeard: () => void): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let begun: string[] = [];
  for await (const chunk of body) {
    onHeard();
    const [first = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    begun.push(first);
    if (rest.length === 0) continue;
    const lines = [begun.join(""), ...rest.slice(0, -1)];
    begun = rest.slice(-1);
    yield lines.map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}
