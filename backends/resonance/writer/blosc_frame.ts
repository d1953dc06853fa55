/**
 * Encodes Blosc 1 frames with byte shuffle and zstd, as c-blosc does (README_CHUNK_FORMAT.rst of c-blosc 1.21), with the
 * runtime's own zstd: numcodecs' WebAssembly takes longer, can only be awaited, and shuffles single bytes, that is not at
 * all.
 */
import zlib from "node:zlib";

/** The same settings in the words of numcodecs (Zarr format 2). */
export const BLOSC = { id: "blosc", cname: "zstd", clevel: 1, shuffle: 1, blocksize: 0 } as const;
/** Most bytes that a frame can hold. */
export const BLOSC_MAX_BYTES = 2 ** 31 - 1 - 16;

const HEADER_BYTES = 16;
/** Bytes that are shuffled and compressed together; a multiple of every type's size. */
const BLOCK_BYTES = 1024 * 1024;
const FORMAT_VERSION = 2, ZSTD_VERSION = 1;
const SHUFFLED = 0x01, COPIED = 0x02, NOT_SPLIT = 0x10, ZSTD = 4 << 5;
const LEVEL = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };

/** @param itemBytes size of one element, 1 to 8 */
export function bloscFrame(bytes: Uint8Array, itemBytes: number): Uint8Array {
  const blockBytes = Math.min(bytes.length, BLOCK_BYTES);
  const blocks = Math.ceil(bytes.length / blockBytes);
  const starts = HEADER_BYTES + 4 * blocks;
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  const scratch = new Uint8Array(blockBytes);
  let at = starts;
  for (let block = 0; block < blocks; block++) {
    const plain = shuffled(bytes.subarray(block * blockBytes, (block + 1) * blockBytes), itemBytes, scratch);
    const packed = zlib.zstdCompressSync(plain, LEVEL);
    // A block that does not shrink is stored as it is, which its length tells.
    const stored = packed.length < plain.length ? packed : plain;
    if (at + 4 + stored.length >= frame.length) return copied(bytes, itemBytes);
    view.setUint32(HEADER_BYTES + 4 * block, at, true);
    view.setUint32(at, stored.length, true);
    frame.set(stored, at + 4);
    at += 4 + stored.length;
  }
  writeHeader(view, itemBytes > 1 ? SHUFFLED : 0, itemBytes, bytes.length, blockBytes, at);
  return frame.subarray(0, at);
}

/** The frame of bytes that do not shrink. */
function copied(bytes: Uint8Array, itemBytes: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  frame.set(bytes, HEADER_BYTES);
  const blockBytes = Math.min(bytes.length, BLOCK_BYTES);
  writeHeader(new DataView(frame.buffer), COPIED, itemBytes, bytes.length, blockBytes, frame.length);
  return frame;
}

function writeHeader(
  view: DataView,
  flags: number,
  itemBytes: number,
  bytes: number,
  blockBytes: number,
  frameBytes: number,
): void {
  view.setUint8(0, FORMAT_VERSION);
  view.setUint8(1, ZSTD_VERSION);
  view.setUint8(2, flags | NOT_SPLIT | ZSTD);
  view.setUint8(3, itemBytes);
  view.setUint32(4, bytes, true);
  view.setUint32(8, blockBytes, true);
  view.setUint32(12, frameBytes, true);
}

/** First the first bytes of all elements, then the second ones …; in `scratch`, or the bytes themselves. */
function shuffled(bytes: Uint8Array, itemBytes: number, scratch: Uint8Array): Uint8Array {
  if (itemBytes === 1) return bytes;
  const items = bytes.length / itemBytes;
  for (let byte = 0; byte < itemBytes; byte++) {
    for (let to = byte * items, from = byte, end = to + items; to < end; to++, from += itemBytes) {
      scratch[to] = bytes[from] ?? 0;
    }
  }
  return scratch.subarray(0, bytes.length);
}
