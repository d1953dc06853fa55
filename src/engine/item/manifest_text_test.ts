import { parse } from "yaml";
import { assertEquals } from "../../../tests/assert.ts";
import { manifestText } from "./manifest_text.ts";
import type { UploadEntry } from "./sync_record.ts";

const entry: UploadEntry = {
  filename: "data.csv",
  file_path: "/lab/run 1/data.csv",
  file_m_time: "2026-03-01T12:00:00.000000+00:00",
  file_uuid: "0d3a6d5c-8f0e-4f0e-9d55-000000000000",
  version_id: 1_760_000_000_000,
  sync_timestamp: null,
  md5: "00000000000000000000000000000000",
  sha256: "1e10",
  content_aware_checksum: { method: "md5_netcdf4", value: "0123" },
  size: 0,
  status: "OK",
  converter: { method: "csv: to # hdf5", status: "ERROR", error: "line 1\nline 2", type: "converter" },
  error: "~",
  action: "uploaded",
  skip_reason: null,
};

const NAMES = [
  "plain.txt",
  "null",
  "yes: no # maybe",
  "- [x] {y} & *z !t | > ' \" % @ `",
  "tab\tnew\nline\\end ",
  "überlänge µ 測定 😀",
  "\x7f\x85\u2028\ufeff\u0000",
  "<<",
  "x".repeat(3000),
];

Deno.test("a manifest says of every name and text exactly that, and stays in order", () => {
  const files = Object.fromEntries(NAMES.map((name) => [name, { ...entry, filename: name, error: name }]));
  const text = manifestText({ version: 0.1, sync_time: "now" }, files, { etiket_sync: { base: null } });
  const read = parse(text);
  assertEquals(read, { version: 0.1, sync_time: "now", files, etiket_sync: { base: null } });
  assertEquals(Object.keys(read.files), NAMES);
});

Deno.test("a manifest without files says so", () => {
  assertEquals(parse(manifestText({ version: 0.1 }, {}, { tail: 1 })), { version: 0.1, files: {}, tail: 1 });
});
