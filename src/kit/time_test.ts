import { assertEquals, assertThrows } from "../../tests/assert.ts";
import { isoFromMs, parseTime } from "./time.ts";

const AMS = "Europe/Amsterdam";

Deno.test("unix time becomes UTC text with microseconds", () => {
  assertEquals(isoFromMs(0), "1970-01-01T00:00:00.000000+00:00");
  assertEquals(isoFromMs(1719835318000), "2024-07-01T12:01:58.000000+00:00");
  assertEquals(isoFromMs(1719835318123.456), "2024-07-01T12:01:58.123456+00:00");
  assertEquals(isoFromMs(-1), "1969-12-31T23:59:59.999000+00:00");
  assertThrows(() => isoFromMs(NaN));
});

Deno.test("a time without zone is local time of the source's zone, in summer and winter", () => {
  assertEquals(parseTime("2024-03-05T14:07:09", AMS), {
    iso: "2024-03-05T13:07:09.000000+00:00",
    note: null,
  });
  assertEquals(parseTime("2024-07-05T14:07:09", AMS), {
    iso: "2024-07-05T12:07:09.000000+00:00",
    note: null,
  });
  assertEquals(parseTime("2024-07-05T14:07:09", "Asia/Kolkata")?.iso, "2024-07-05T08:37:09.000000+00:00");
});

Deno.test("an hour that occurs twice is its first occurrence, one that never occurs moves forward; both are told", () => {
  assertEquals(parseTime("2024-10-27T02:30:00", AMS), {
    iso: "2024-10-27T00:30:00.000000+00:00",
    note: "ambiguous",
  });
  assertEquals(parseTime("2024-03-31T02:30:00", AMS), {
    iso: "2024-03-31T01:30:00.000000+00:00",
    note: "gap",
  });
  assertEquals(parseTime("2024-10-27T02:30:00+01:00", AMS), {
    iso: "2024-10-27T01:30:00.000000+00:00",
    note: null,
  });
  // Half-hour change of Lord Howe Island: 02:00 becomes 02:30.
  assertEquals(parseTime("2024-10-06T02:15:00", "Australia/Lord_Howe"), {
    iso: "2024-10-05T15:45:00.000000+00:00",
    note: "gap",
  });
});

Deno.test("the written forms of a time", () => {
  const iso = (text: string) => parseTime(text, "UTC")?.iso ?? null;
  for (
    const text of [
      "2024-05-06T07:08:09",
      "2024-05-06 07:08:09",
      "2024-5-6 7:08:09",
      " 2024-05-06T07:08:09Z ",
      "2024-05-06T07:08:09+00:00",
      "2024-05-06T09:08:09+02",
      "2024-05-06T09:08:09 +0200",
      "2024-05-06t07:08:09.000000000",
    ]
  ) assertEquals(iso(text), "2024-05-06T07:08:09.000000+00:00", text);
  assertEquals(iso("2024-05-06"), "2024-05-06T00:00:00.000000+00:00");
  assertEquals(iso("2024-05-06T07:08"), "2024-05-06T07:08:00.000000+00:00");
  assertEquals(iso("2024-05-06T07:08:09.1234567"), "2024-05-06T07:08:09.123456+00:00");
  assertEquals(iso("2024-02-29"), "2024-02-29T00:00:00.000000+00:00");
});

Deno.test("what is no time gives null", () => {
  for (
    const text of [
      "",
      "yesterday",
      "2023-02-29",
      "2024-13-01",
      "2024-05-06T25:00:00",
      "2024-05-06T07:60:00",
      "2024-05-06T07:08:60",
      "20240506",
      "1719835318",
      "2024-05-06T07:08:09+24:00",
      "0000-01-01",
      "0001-01-01T00:00:00+01:00",
      "9999-12-31T23:59:59-01:00",
      "2024-05-06T07:08:09 CET",
    ]
  ) assertEquals(parseTime(text, "UTC"), null, text);
});

Deno.test("an unknown zone is an error of the caller, not of the text", () => {
  assertThrows(() => parseTime("2024-05-06T07:08:09", "Mars/Olympus"));
});
