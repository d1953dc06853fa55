/**
 * Pixels of an image file: PNG, JPEG, GIF (first frame), BMP, TIFF (first page). Pure JavaScript decoders, loaded
 * when the first image of their kind comes by. Sizes are checked from the header before anything is decoded.
 */
import { z } from "zod";
import { SyncError } from "../errors.ts";

/** 8-bit pixels, four bytes each: red, green, blue, alpha (not premultiplied), rows from the top. */
export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8Array | Uint8ClampedArray;
  /** EXIF orientation, 1 to 8: how the stored picture has to be turned to be upright. */
  orientation: number;
}

const MAX_PIXELS = 100_000_000;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** What the JPEG decoder may allocate; its working memory is several times the size of the picture. */
const MAX_JPEG_MEGABYTES = 1024;

type Decoded = Omit<Pixels, "orientation">;

const DECODERS: Record<string, (bytes: Uint8Array) => Promise<Decoded>> = {
  png: decodePng,
  jpg: decodeJpeg,
  gif: decodeGif,
  bmp: async (bytes) => (await import("./decode_bmp.ts")).decodeBmp(bytes),
  tiff: decodeTiff,
};

/** Suffixes (with dot, lower case) of the files that {@link decodeImage} can read. */
export const IMAGE_SUFFIXES: readonly string[] = [".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"];

/**
 * Reads an image file.
 * @throws SyncError data `image_too_large` (above 100 megapixels or 256 MiB) or `image_unreadable`
 */
export async function decodeImage(path: string): Promise<Pixels> {
  const { size } = await Deno.stat(path);
  if (size > MAX_FILE_BYTES) throw tooLarge(path, `${size} bytes`);
  const bytes = await Deno.readFile(path);
  try {
    const { imageSize } = await import("image-size");
    const header = imageSize(bytes);
    checkSize(path, header.width, header.height);
    const decode = DECODERS[header.type ?? ""];
    if (!decode) throw new Error(`images of type ${header.type} are not supported`);
    const decoded = await decode(bytes);
    if (decoded.rgba.length !== decoded.width * decoded.height * 4 || decoded.rgba.length === 0) {
      throw new Error("the image holds no complete picture");
    }
    return { ...decoded, orientation: header.orientation ?? 1 };
  } catch (e) {
    if (e instanceof SyncError) throw e;
    const reason = e instanceof Error ? e.message : String(e);
    if (/maxMemoryUsageInMB|maxResolutionInMP/.test(reason)) throw tooLarge(path, "more memory than allowed");
    throw new SyncError("data", "image_unreadable", `${path} cannot be read as an image: ${reason}`, {
      hint: "Use a PNG, JPEG, GIF, BMP or TIFF image.",
      cause: e,
    });
  }
}

function checkSize(path: string, width: number, height: number) {
  if (!(width > 0 && height > 0)) throw new Error("the image has no size");
  if (width * height > MAX_PIXELS) throw tooLarge(path, `${width} × ${height} pixels`);
}

function tooLarge(path: string, what: string): SyncError {
  return new SyncError("data", "image_too_large", `${path} is too large for a thumbnail: ${what}`, {
    hint: "Use an image of at most 100 megapixels and 256 MiB.",
  });
}

async function decodeJpeg(bytes: Uint8Array): Promise<Decoded> {
  const { decode } = await import("jpeg-js");
  const { width, height, data } = decode(bytes, {
    useTArray: true,
    formatAsRGBA: true,
    maxResolutionInMP: MAX_PIXELS / 1e6,
    maxMemoryUsageInMB: MAX_JPEG_MEGABYTES,
  });
  return { width, height, rgba: data };
}

async function decodePng(bytes: Uint8Array): Promise<Decoded> {
  const { convertIndexedToRgb, decode } = await import("fast-png");
  const png = decode(bytes);
  const { width, height, depth, transparency } = png;
  if (png.palette) {
    const channels = png.palette[0]?.length ?? 3;
    return { width, height, rgba: toRgba(convertIndexedToRgb(png), channels, (v) => v) };
  }
  const max = 2 ** depth - 1;
  const samples = depth < 8 ? unpackBits(png.data, width, height, depth) : png.data;
  const rgba = toRgba(samples, png.channels, (v) => v * 255 / max);
  // A colour that stands for "transparent" in images without alpha channel.
  if (transparency) {
    for (let i = 0, p = 0; i < rgba.length; i += 4, p += png.channels) {
      if (transparency.every((v, c) => samples[p + c] === v)) rgba[i + 3] = 0;
    }
  }
  return { width, height, rgba };
}

/** One grey value per element from rows of packed bits; each row begins at a byte. */
function unpackBits(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const values = new Uint8Array(width * height);
  const perByte = 8 / depth;
  const rowBytes = Math.ceil(width / perByte);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)] ?? 0;
      values[i] = (byte >> (8 - depth * (x % perByte + 1))) & (2 ** depth - 1);
    }
  }
  return values;
}

/** omggif ships no types. */
const Size = z.object({ width: z.number(), height: z.number() });

async function decodeGif(bytes: Uint8Array): Promise<Decoded> {
  const { GifReader } = await import("omggif");
  const raw = new GifReader(bytes);
  const { width, height } = Size.parse(raw);
  // A frame has a size of its own, which the decoder allocates.
  const frame = Size.parse(raw.frameInfo(0));
  if (frame.width * frame.height > MAX_PIXELS) throw new Error("its first frame is too large");
  const rgba = new Uint8Array(width * height * 4);
  raw.decodeAndBlitFrameRGBA(0, rgba);
  return { width, height, rgba };
}

async function decodeTiff(bytes: Uint8Array): Promise<Decoded> {
  const { decode } = await import("tiff");
  const [page] = decode(bytes, { pages: [0] });
  if (!page) throw new Error("the TIFF file holds no image");
  const { width, height, data, samplesPerPixel, bitsPerSample, palette } = page;
  if (page.planarConfiguration === 2 && samplesPerPixel > 1) {
    throw new Error("colour planes are not supported");
  }
  if (palette) {
    const rgb = new Uint16Array(data.length * 3);
    for (let i = 0; i < data.length; i++) rgb.set(palette[data[i] ?? 0] ?? [0, 0, 0], i * 3);
    return { width, height, rgba: toRgba(rgb, 3, (v) => v / 257) };
  }
  const max = 2 ** bitsPerSample - 1;
  // Cameras use a part of the 16 bits or floats: the range that occurs is spread over the greys.
  const scale = samplesPerPixel === 1 && bitsPerSample > 8 ? spread(data) : (v: number) => v * 255 / max;
  return { width, height, rgba: toRgba(data, samplesPerPixel, scale) };
}

function spread(data: ArrayLike<number>): (value: number) => number {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!;
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return high > low ? (v) => (v - low) * 255 / (high - low) : () => 0;
}

/** Samples of 1 (grey), 2 (grey, alpha), 3 or more (red, green, blue, alpha) channels as RGBA. */
function toRgba(
  samples: ArrayLike<number>,
  channels: number,
  toByte: (value: number) => number,
): Uint8ClampedArray {
  const pixels = Math.floor(samples.length / channels);
  const rgba = new Uint8ClampedArray(pixels * 4);
  const colours = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  const alpha = channels === 2 ? 1 : channels > 3 ? 3 : -1;
  for (let i = 0, p = 0; i < rgba.length; i += 4, p += channels) {
    for (let c = 0; c < 3; c++) rgba[i + c] = toByte(samples[p + colours[c]!]!);
    rgba[i + 3] = alpha < 0 ? 255 : toByte(samples[p + alpha]!);
  }
  return rgba;
}
