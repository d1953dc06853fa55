/**
 * Uncompressed BMP images (1, 4, 8, 24 and 32 bits per pixel), as instruments and Paint write them.
 * Source: Microsoft's BITMAPFILEHEADER, BITMAPINFOHEADER and BITMAPV5HEADER.
 */

export interface BmpImage {
  width: number;
  height: number;
  /** Alpha is always 255: the fourth byte of a BMP pixel is mostly unused and 0. */
  rgba: Uint8Array;
}

const BI_RGB = 0;
const BI_BITFIELDS = 3;
/** Masks of red, green and blue as 32-bit pixels nearly always have them: bytes blue, green, red, unused. */
const USUAL_MASKS = [0xff0000, 0xff00, 0xff];

/**
 * @throws Error when the file is cut or uses a form that is not supported (compressed, 16 bits, OS/2 headers)
 */
export function decodeBmp(bytes: Uint8Array): BmpImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pixelStart = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  const width = view.getInt32(18, true);
  const storedHeight = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (headerSize < 40) throw new Error(`BMP header of ${headerSize} bytes is not supported`);
  const height = Math.abs(storedHeight);
  const masked = compression === BI_BITFIELDS && bits === 32;
  if (compression !== BI_RGB && !masked) throw new Error(`BMP compression ${compression} is not supported`);
  if (masked && USUAL_MASKS.some((mask, i) => view.getUint32(54 + 4 * i, true) !== mask)) {
    throw new Error("BMP with an unusual order of colours is not supported");
  }
  if (![1, 4, 8, 24, 32].includes(bits)) throw new Error(`BMP of ${bits} bits per pixel is not supported`);
  const rowBytes = Math.ceil(width * bits / 32) * 4;
  if (pixelStart + rowBytes * height > bytes.length) throw new Error("the BMP file is cut");

  const rgba = new Uint8Array(width * height * 4).fill(255);
  const palette = 14 + headerSize;
  for (let y = 0; y < height; y++) {
    // Rows are stored from the bottom, unless the height is negative.
    const row = pixelStart + rowBytes * (storedHeight < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const from = bits > 8 ? row + x * bits / 8 : palette + 4 * paletteIndex(bytes, row, x, bits);
      const to = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) rgba[to + c] = bytes[from + 2 - c] ?? 0;
    }
  }
  return { width, height, rgba };
}

function paletteIndex(bytes: Uint8Array, row: number, x: number, bits: number): number {
  const perByte = 8 / bits;
  const byte = bytes[row + Math.floor(x / perByte)]!;
  return (byte >> (8 - bits * (x % perByte + 1))) & (2 ** bits - 1);
}
