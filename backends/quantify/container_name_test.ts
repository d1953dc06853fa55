import { assertEquals } from "../../tests/assert.ts";
import { CONTAINER_PATH, dottedName, parseContainerName, startOf } from "./container_name.ts";
import { TUID } from "./testing.ts";

Deno.test("a TUID alone, or with a name behind a dash or a blank", () => {
  const name = (folder: string) => parseContainerName(folder)?.name;
  assertEquals(parseContainerName(TUID), { tuid: TUID, name: "" });
  assertEquals(name(`${TUID}-T1`), "T1");
  assertEquals(name(`${TUID} Ramsey old`), "Ramsey old");
  assertEquals(name(`${TUID}-`), "");
  assertEquals(name(`${TUID}-a - b-c `), "a - b-c");
  assertEquals(name(`${TUID}-Ünïcode 数据 µV`), "Ünïcode 数据 µV");
  assertEquals(name(`${TUID}-u\u0308`), "ü", "names are NFC");
  assertEquals(name(`${TUID}-two\nlines`), "two\nlines");
  for (
    const other of [
      "not-a-tuid",
      "analysis",
      TUID.slice(0, 25),
      `${TUID}x`,
      `${TUID}_T1`,
      `x${TUID}`,
      TUID.replace("b0fd56", "B0FD56"),
      TUID.replace("20241105", "20241305"),
      TUID.replace("141845", "241845"),
      TUID.replace("141845", "146845"),
    ]
  ) assertEquals(parseContainerName(other), undefined, other);
});

Deno.test("items are matched by their path, as the scan tests it", () => {
  const pattern = new RegExp(CONTAINER_PATH.source, "u");
  const matches = (path: string) => pattern.test(path);
  assertEquals(matches(`20241105/${TUID}-T1`), true);
  assertEquals(matches(`20241105/${TUID} Größe`), true);
  assertEquals(matches(`20241105/not-a-tuid`), false);
  assertEquals(matches(`analysis/${TUID}`), false);
  assertEquals(matches(TUID), false);
  assertEquals(CONTAINER_PATH.flags, "");
});

Deno.test("names of files: parts without TUIDs, joined by dots", () => {
  assertEquals(dottedName("dataset.hdf5"), "dataset.hdf5");
  assertEquals(
    dottedName("analysis_BasicAnalysis/figs_mpl/Line plot x0-y0.png"),
    "analysis_BasicAnalysis.figs_mpl.Line plot x0-y0.png",
  );
  assertEquals(dottedName(`${TUID}-T1/${TUID}-plot.png`), "T1.plot.png");
  assertEquals(dottedName(`${TUID} old/a.txt`), "old.a.txt");
  assertEquals(dottedName(`${TUID}/a.txt`), "a.txt");
  assertEquals(dottedName(`${TUID}.png`), `${TUID}.png`);
  assertEquals(dottedName(TUID), TUID);
});

Deno.test("the clock of a TUID: milliseconds, hours that occur twice or never, days that do not exist", () => {
  const at = (tuid: string, zone = "Europe/Amsterdam") => startOf(`${tuid}-abc123`, zone);
  assertEquals(at("20241105-141845-362"), { iso: "2024-11-05T13:18:45.362000+00:00", note: null });
  assertEquals(at("20241027-023000-001"), { iso: "2024-10-27T00:30:00.001000+00:00", note: "ambiguous" });
  assertEquals(at("20250330-022900-000"), { iso: "2025-03-30T01:29:00.000000+00:00", note: "gap" });
  assertEquals(at("20250330-022900-000", "UTC"), { iso: "2025-03-30T02:29:00.000000+00:00", note: null });
  assertEquals(at("20240229-000000-000", "UTC")?.iso, "2024-02-29T00:00:00.000000+00:00");
  assertEquals(at("20230229-000000-000"), null);
});
