/** Thumbnails: an image file as a small JPEG (F16). */
import type { OpaqueImage } from "./shrink_image.ts";

const LONGEST_SIDES = [1600, 1200, 900, 600];
const QUALITIES = [85, 70, 55];
const MAX_BYTES = 100 * 1024;

/**
 * Writes `input` as JPEG to `output`: on white, upright, the largest of sides 1600/1200/900/600 px and qualities
 * 85/70/55 that stays within 100 KiB, else the smallest of them. Images are never enlarged.
 * @returns bytes written
 * @throws SyncError data `image_too_large` or `image_unreadable`
 */
export async function makeThumbnail(input: string, output: string): Promise<{ size: number }> {
  const { decodeImage } = await import("./decode_image.ts");
  const { shrinkImage } = await import("./shrink_image.ts");
  const image = await decodeImage(input);
  const longest = Math.max(image.width, image.height);
  const sides = new Set(LONGEST_SIDES.map((side) => Math.min(side, longest)));
  let jpeg = new Uint8Array();
  for (const side of sides) {
    const small = shrinkImage(image, side);
    for (const quality of QUALITIES) {
      jpeg = await encodeJpeg(small, quality);
      if (jpeg.length <= MAX_BYTES) {
        await Deno.writeFile(output, jpeg);
        return { size: jpeg.length };
      }
    }
  }
  await Deno.writeFile(output, jpeg);
  return { size: jpeg.length };
}

async function encodeJpeg(image: OpaqueImage, quality: number): Promise<Uint8Array<ArrayBuffer>> {
  const { encode } = await import("jpeg-js");
  return new Uint8Array(encode(image, quality).data);
}
