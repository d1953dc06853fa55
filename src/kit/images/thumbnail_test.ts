import { join } from "node:path";
import { encode as encodePng } from "fast-png";
import { decode as decodeJpeg } from "jpeg-js";
import { pseudoRandomBytes } from "../../../tests/folderbase_fixture.ts";
import { assert, assertEquals, assertRejects } from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import { makeThumbnail } from "./thumbnail.ts";

const IMAGES = new URL("../../../tests/fixtures/images/", import.meta.url);
const RED = [220, 30, 30];
const GREEN = [30, 200, 30];
const BLUE = [30, 30, 220];
const YELLOW = [230, 220, 40];
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];

interface Thumbnail {
  width: number;
  height: number;
  size: number;
  at(x: number, y: number): number[];
}

/** Makes the thumbnail and reads it back. `image` is a fixture's name, or the bytes of a file. */
async function thumbnail(image: string | Uint8Array): Promise<Thumbnail> {
  const folder = await Deno.makeTempDir();
  try {
    const input = join(folder, typeof image === "string" ? image : "input.png");
    await Deno.writeFile(
      input,
      typeof image === "string" ? await Deno.readFile(new URL(image, IMAGES)) : image,
    );
    const { size } = await makeThumbnail(input, join(folder, "out.jpg"));
    const bytes = await Deno.readFile(join(folder, "out.jpg"));
    assertEquals(size, bytes.length);
    const { width, height, data } = decodeJpeg(bytes, { useTArray: true });
    const at = (x: number, y: number) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
    return { width, height, size, at };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The four corners' colours, in reading order, within what JPEG loses. */
function assertCorners(t: Thumbnail, corners: number[][], name: string) {
  assertEquals([t.width, t.height], [48, 32], name);
  const seen = [t.at(8, 5), t.at(40, 5), t.at(8, 26), t.at(40, 26)];
  const near = seen.every((c, i) => c.every((v, k) => Math.abs(v - corners[i]![k]!) <= 16));
  assert(near, `${name}: ${JSON.stringify(seen)} instead of ${JSON.stringify(corners)}`);
}

Deno.test("every kind of image comes out in its colours", async () => {
  const quadrants = [RED, GREEN, BLUE, YELLOW];
  for (
    const name of [
      ...["rgb.png", "palette.png", "progressive.jpg", "cmyk.jpg", "animated.gif", "rgb24.bmp"],
      ...["palette8.bmp", "palette4.bmp", "rgb32.bmp", "rgb.tiff", "lzw.tif", "deflate.tif", "palette.tif"],
    ]
  ) assertCorners(await thumbnail(name), quadrants, name);
  const halves = [WHITE, WHITE, BLACK, BLACK];
  for (
    const name of [
      "grey1.png",
      "grey8.png",
      "grey16.png",
      "mono.bmp",
      "grey16.tif",
      "float32.tif",
    ]
  ) assertCorners(await thumbnail(name), halves, name);
});

Deno.test("what is transparent becomes white", async () => {
  const half = BLUE.map((v) => (v + 255) / 2);
  assertCorners(await thumbnail("rgba.png"), [RED, GREEN, half, WHITE], "rgba.png");
  for (const name of ["palette_transparent.png", "transparent.gif"]) {
    assertCorners(await thumbnail(name), [RED, GREEN, BLUE, WHITE], name);
  }
  assertCorners(await thumbnail("grey_alpha.png"), [WHITE, WHITE, WHITE, WHITE], "grey_alpha.png");
});

Deno.test("photos are turned upright, whatever their EXIF orientation", async () => {
  for (let o = 1; o <= 8; o++) {
    assertCorners(await thumbnail(`exif${o}.jpg`), [RED, GREEN, BLUE, YELLOW], `orientation ${o}`);
  }
});

Deno.test("a large image shrinks to 1600 pixels, keeps its shape and averages its pixels", async () => {
  const [width, height] = [3200, 500];
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = (i % 2) * 255; // vertical lines one pixel wide
  const t = await thumbnail(encodePng({ width, height, data, channels: 1 }));
  assertEquals([t.width, t.height], [1600, 250]);
  assert(Math.abs(t.at(800, 100)[0]! - 128) <= 2, String(t.at(800, 100)));
  assert(t.size <= 100 * 1024);
});

Deno.test("what does not fit into 100 KiB is made smaller, in the end 600 pixels are kept", async () => {
  const noise = (side: number) =>
    thumbnail(
      encodePng({ width: side, height: side, data: pseudoRandomBytes(side * side * 3), channels: 3 }),
    );
  const t = await noise(900);
  assertEquals([t.width, t.height], [600, 600]);
  const flat = new Uint8Array(1700 * 1700 * 3).fill(200);
  flat.set(pseudoRandomBytes(1700 * 30 * 3));
  const partly = await thumbnail(encodePng({ width: 1700, height: 1700, data: flat, channels: 3 }));
  assertEquals(partly.width, 1600);
  assert(partly.size <= 100 * 1024);
});

Deno.test("images that would fill the memory and files that are no images are refused with a reason", async () => {
  const code = async (image: string | Uint8Array) => {
    const e = await assertRejects(() => thumbnail(image));
    assert(e instanceof SyncError && e.class === "data" && e.hint !== "", String(e));
    return e.code;
  };
  assertEquals(await code("bomb.png"), "image_too_large");
  assertEquals(await code(new TextEncoder().encode("no image")), "image_unreadable");
  assertEquals(await code(new Uint8Array()), "image_unreadable");
  for (const name of ["rgb.png", "exif1.jpg", "animated.gif", "rgb24.bmp", "lzw.tif"]) {
    const head = (await Deno.readFile(new URL(name, IMAGES))).slice(0, 60);
    assertEquals(await code(head), "image_unreadable", name);
  }
});
