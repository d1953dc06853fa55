/**
 * A process for the kill tests of uploads in parts: goes on with uploads that an earlier process has left, then begins
 * new ones for ever, each in three parts at a time. Prints a line of JSON for every step that the hub has confirmed.
 * Arguments: folder of the hub, {@link PartUploadState}s as JSON.
 */
import { z } from "zod";
import { md5, partsOf, TestHub, UploadLinksReply } from "./test_hub.ts";

/** What a client remembers of an upload in parts. */
export const PartUploadState = z.object({
  links: UploadLinksReply,
  size: z.number(),
  /** ETags of confirmed parts; null = to be sent. */
  etags: z.array(z.string().nullable()),
});
export type PartUploadState = z.infer<typeof PartUploadState>;

export const Step = z.discriminatedUnion("step", [
  z.object({ step: z.literal("begun"), state: PartUploadState }),
  z.object({ step: z.literal("part"), upload: z.string(), number: z.number(), etag: z.string() }),
  z.object({ step: z.literal("secured"), upload: z.string() }),
]);
export type Step = z.infer<typeof Step>;

/** Bytes that every process makes alike from the id of the upload. */
export function contentOf({ links, size }: PartUploadState): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let word = Number.parseInt(links.upload_id.slice(0, 8), 16);
  for (let i = 0; i < words.length; i++) words[i] = word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  return new Uint8Array(words.buffer).subarray(0, size);
}

/** Sends the parts that are missing, a few at a time, and secures the version. */
export async function finish(hub: TestHub, state: PartUploadState, say: (step: Step) => void): Promise<void> {
  const { links, etags } = state;
  const bytes = contentOf(state);
  const missing = partsOf(bytes, links.part_size).entries().filter(([i]) => etags[i] === null);
  const sender = async () => {
    for (const [i, part] of missing) {
      const reply = await hub.put(links.presigned_urls[i] ?? "", part);
      const text = await reply.text();
      if (reply.status !== 200) throw new Error(`part ${i + 1}: ${reply.status} ${text}`);
      const etag = etags[i] = reply.headers.get("etag") ?? "";
      say({ step: "part", upload: links.upload_id, number: i + 1, etag });
    }
  };
  await Promise.all([sender(), sender(), sender()]);
  for (let status = 503; status !== 202;) {
    const reply = await hub.validateParts(links, etags.map((etag) => etag ?? ""), md5(bytes));
    status = reply.status;
    if (status !== 202 && status !== 503) {
      throw new Error(`validate: ${status} ${JSON.stringify(reply.body)}`);
    }
  }
  say({ step: "secured", upload: links.upload_id });
}

if (import.meta.main) {
  const [directory = "", states = "[]"] = Deno.args;
  const say = (step: Step) => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(step)}\n`));
  };
  const hub = await TestHub.open(directory);
  for (const state of z.array(PartUploadState).parse(JSON.parse(states))) await finish(hub, state, say);
  const dataset = await hub.dataset();
  for (let n = 0;; n++) {
    const size = Math.floor(Math.random() * 22 * 1024 * 1024);
    const links = await hub.beginParts(await hub.file(dataset, size, { name: `${Deno.pid} ${n}` }));
    const state = { links, size, etags: links.presigned_urls.map(() => null) };
    say({ step: "begun", state });
    await finish(hub, state, say);
  }
}
