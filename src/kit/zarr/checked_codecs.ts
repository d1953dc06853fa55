/**
 * zarrita's codecs, made safe for files from anywhere. zarrita itself skips checksums, lets a small chunk inflate
 * without bound, and takes chunks of any length; here each of these is an error.
 */
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import blosc from "numcodecs/blosc";
import lz4 from "numcodecs/lz4";
import { type Chunk, registry } from "zarrita";
import { crc32c } from "./crc32c.ts";

type CodecEntry = Awaited<ReturnType<NonNullable<ReturnType<typeof registry.get>>>>;
type Codec = ReturnType<CodecEntry["fromConfig"]>;
type ChunkMeta = Parameters<CodecEntry["fromConfig"]>[1];

/** Most bytes that one decoded chunk may have. */
export const MAX_CHUNK_BYTES = 512 * 1024 * 1024;
/** What codecs may add to the raw bytes between two steps (headers, checksums). */
const SLACK = 64 * 1024;

/** Codecs by their name in format 3; format 2 and older format-3 stores put `numcodecs.` before it. */
export const CODECS = [
  "blosc",
  "zstd",
  "gzip",
  "zlib",
  "lz4",
  "crc32c",
  "bytes",
  "transpose",
  "vlen-utf8",
  "shuffle",
  "delta",
  "bitround",
] as const;

/** Puts the checked codecs into zarrita's registry; doing it again changes nothing. */
export function registerCheckedCodecs(): void {
  if (registered) return;
  registered = true;
  const bytes = registry.get("bytes");
  registry.set("bytes", async () => {
    const inner = await bytes?.();
    if (inner === undefined) throw new Error("zarrita has no bytes codec");
    return { fromConfig: (config, meta) => checkedBytes(inner.fromConfig(config, meta), config, meta) };
  });
  register(
    "gzip",
    (_, meta) => decoder((b) => plain(zlib.gunzipSync(b, { maxOutputLength: limitOf(meta) }))),
  );
  register(
    "zlib",
    (_, meta) => decoder((b) => plain(zlib.inflateSync(b, { maxOutputLength: limitOf(meta) }))),
  );
  register(
    "zstd",
    (_, meta) => decoder((b) => plain(zlib.zstdDecompressSync(b, { maxOutputLength: limitOf(meta) }))),
  );
  register("blosc", (_, meta) => decoder((b) => decodeBlosc(b, limitOf(meta))));
  register("lz4", (_, meta) => decoder((b) => decodeLz4(b, limitOf(meta))));
  register("crc32c", () => ({ ...decoder(stripCrc32c), computeEncodedSize: (size: number) => size + 4 }));
  register("vlen-utf8", (_, meta) => textDecoder(meta));
  register("shuffle", (config) => decoder((b) => unshuffle(b, numberIn(config, "elementsize") ?? 4)));
}
let registered = false;

function register(name: string, make: (config: unknown, meta: ChunkMeta) => Codec): void {
  const entry = () => Promise.resolve({ fromConfig: make });
  registry.set(name, entry).set(`numcodecs.${name}`, entry);
}

function decoder(decode: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>): Codec {
  return { kind: "bytes_to_bytes", decode, encode: refuseToEncode };
}

/** Not a Buffer, whose `slice` is a view where zarrita expects a copy. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function refuseToEncode(): never {
  throw new Error("stores are only read here");
}

/** zarrita's codec for elements of fixed size, that takes chunks of the right length only. */
function checkedBytes(inner: Codec, config: unknown, meta: ChunkMeta): Codec {
  const expected = countOf(meta) * (itemBytesOf(meta) ?? 0) * (numberIn(config, "elements_per_item") ?? 1);
  return {
    kind: "array_to_bytes",
    encode: refuseToEncode,
    computeEncodedSize: (size: number) => size,
    decode(bytes) {
      if (bytes.length !== expected) throw new Error(`${bytes.length} bytes instead of ${expected}`);
      return inner.decode(bytes);
    },
  };
}

function countOf(meta: ChunkMeta): number {
  return meta.shape.reduce((a, b) => a * b, 1);
}

/** Bytes of one element as zarrita sees it; undefined for text of any length. */
function itemBytesOf(meta: ChunkMeta): number | undefined {
  const [, letter, size] = /^(?:v2:)?([a-zA-Z]+)(\d*)$/.exec(meta.dataType) ?? [];
  if (letter === "U") return 4 * Number(size);
  if (letter === "S") return Number(size);
  if (letter === "bool") return 1;
  return size ? Number(size) / 8 : undefined;
}

/** Twice the raw bytes, since complex elements count as one float here. */
function limitOf(meta: ChunkMeta): number {
  const itemBytes = itemBytesOf(meta);
  return itemBytes === undefined
    ? MAX_CHUNK_BYTES
    : Math.min(MAX_CHUNK_BYTES, 2 * countOf(meta) * itemBytes) + SLACK;
}

/** Blosc 1 header: decoded size at byte 4, encoded size at byte 12, both little-endian. */
async function decodeBlosc(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const view = viewOf(bytes);
  if (bytes.length < 16) throw new Error("shorter than a blosc header");
  const decoded = view.getUint32(4, true), encoded = view.getUint32(12, true);
  if (encoded !== bytes.length) throw new Error(`${bytes.length} bytes, the blosc header says ${encoded}`);
  if (decoded > limit) throw new Error(`would inflate to ${decoded} bytes`);
  const result = await blosc.fromConfig({ id: "blosc" }).decode(bytes);
  if (result.length !== decoded) throw new Error("damaged blosc data");
  return result;
}

/** numcodecs' LZ4: decoded size as little-endian 32 bits, then one LZ4 block. */
async function decodeLz4(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  if (bytes.length < 4) throw new Error("shorter than an lz4 header");
  const decoded = viewOf(bytes).getUint32(0, true);
  if (decoded > limit) throw new Error(`would inflate to ${decoded} bytes`);
  const result = await lz4.fromConfig({ id: "lz4" }).decode(bytes);
  if (result.length !== decoded) throw new Error("damaged lz4 data");
  return result;
}

function stripCrc32c(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw new Error("shorter than its checksum");
  const content = bytes.subarray(0, -4);
  if (viewOf(bytes).getUint32(content.length, true) !== crc32c(content)) {
    throw new Error("the checksum is wrong");
  }
  return content;
}

/** numcodecs' VLenUTF8: count, then length and UTF-8 bytes of each, all lengths little-endian 32 bits. */
function textDecoder(meta: ChunkMeta): Codec {
  const count = countOf(meta);
  const stride = meta.shape.map((_, axis) => meta.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const decode = (bytes: Uint8Array): Chunk<"string"> => {
    const view = viewOf(bytes);
    if (view.getUint32(0, true) !== count) throw new Error(`not ${count} texts`);
    const data: string[] = [];
    for (let at = 4; data.length < count;) {
      const end = at + 4 + view.getUint32(at, true);
      if (end > bytes.length) throw new Error("ends in the middle of a text");
      data.push(Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, end - at - 4).toString());
      at = end;
    }
    return { data, shape: meta.shape, stride };
  };
  // zarrita types every codec as bytes to bytes and tells them apart by their kind.
  return { kind: "array_to_bytes", encode: refuseToEncode, decode: decode as unknown as Codec["decode"] };
}

function unshuffle(bytes: Uint8Array, itemBytes: number): Uint8Array {
  const count = Math.floor(bytes.length / itemBytes);
  // Bytes behind the last whole element are not shuffled.
  const result = bytes.slice();
  for (let byte = 0; byte < itemBytes; byte++) {
    for (let i = 0; i < count; i++) result[i * itemBytes + byte] = bytes[byte * count + i] ?? 0;
  }
  return result;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function numberIn(config: unknown, key: string): number | undefined {
  const value = typeof config === "object" && config !== null ? Reflect.get(config, key) : undefined;
  return typeof value === "number" && value > 0 ? value : undefined;
}
