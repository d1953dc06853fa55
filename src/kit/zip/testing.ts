/** Reads a small zip archive of stored files, for tests; checks every checksum and both headers of every file. */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assert, assertEquals } from "../../../tests/assert.ts";

export interface ZipEntry {
  name: string;
  content: Uint8Array;
  date: string;
  mode: number;
}

export function zipEntries(archive: Uint8Array): ZipEntry[] {
  const zip = Buffer.from(archive);
  const end = zip.length - 22;
  assertEquals(zip.readUInt32LE(end), 0x06054b50);
  const short = zip.readUInt16LE(end + 10);
  // The zip64 record lies before its locator of 20 bytes.
  const large = short === 0xffff ? end - 76 : undefined;
  if (large !== undefined) assertEquals(zip.readUInt32LE(large), 0x06064b50);
  const count = large === undefined ? short : Number(zip.readBigUInt64LE(large + 32));
  let at = large === undefined ? zip.readUInt32LE(end + 16) : Number(zip.readBigUInt64LE(large + 48));
  const entries: ZipEntry[] = [];
  for (let i = 0; i < count; i++) {
    assertEquals(zip.readUInt32LE(at), 0x02014b50);
    assertEquals(zip.readUInt16LE(at + 10), 0, "stored");
    const crc = zip.readUInt32LE(at + 16),
      size = zip.readUInt32LE(at + 24),
      nameLength = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    const name = zip.subarray(at + 46, at + 46 + nameLength).toString();
    assertEquals(zip.readUInt32LE(local), 0x04034b50);
    assertEquals([zip.readUInt32LE(local + 14), zip.readUInt32LE(local + 22)], [crc, size]);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    assertEquals(zip.subarray(local + 30, local + 30 + nameLength).toString(), name);
    const content = new Uint8Array(zip.subarray(start, start + size));
    assertEquals(crc32(content), crc);
    const days = zip.readUInt16LE(at + 14);
    const date = `${1980 + (days >> 9)}-${pad(days >> 5 & 15)}-${pad(days & 31)}`;
    entries.push({ name, content, date, mode: zip.readUInt32LE(at + 38) >>> 16 });
    at += 46 + nameLength + zip.readUInt16LE(at + 30);
  }
  assert(at === (large ?? end), "the directory fills the place before the end record");
  return entries;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
