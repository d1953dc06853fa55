import { assertEquals } from "../../tests/assert.ts";
import {
  type ContentIdentity,
  decideVersion,
  type LocalVersion,
  type RemoteVersion,
  sameContent,
  type VersionInput,
} from "./version_decision.ts";

const NOW = Date.parse("2024-11-06T12:00:00Z");
const V1 = NOW - 7_200_000;
const V2 = NOW - 3_600_000;
const LATER = NOW - 60_000;
const LOCAL_UUID = "local-uuid";
const REMOTE_UUID = "remote-uuid";

/** Hashes of content number `n`; as netCDF, each file of it has other bytes but the same content md5. */
function content(kind: "json" | "netcdf", n: number, rewritten = false): ContentIdentity {
  const md5 = `md5-${n}${kind === "netcdf" && rewritten ? "-rewritten" : ""}`;
  return {
    md5,
    sha256: `sha-${md5}`,
    content_md5: kind === "netcdf" ? `netcdf-${n}` : null,
    deep_sha256: kind === "netcdf" ? `deep-${n}` : null,
  };
}

const local = (kind: "json" | "netcdf", version_id: number, n: number): LocalVersion => ({
  version_id,
  present: true,
  ...content(kind, n),
});

function remote(
  kind: "json" | "netcdf",
  version_id: number,
  n: number,
  more: Partial<RemoteVersion> = {},
): RemoteVersion {
  const stored = content(kind, n);
  return {
    uuid: REMOTE_UUID,
    version_id,
    status: "secured",
    md5_checksum: stored.content_md5 ?? stored.md5,
    immutable: true,
    created: new Date(NOW - 1000).toISOString(),
    modified: new Date(NOW - 1000).toISOString(),
    ...more,
  };
}

function decide(input: Partial<VersionInput> & { content: ContentIdentity; candidate: number }) {
  return decideVersion({
    now: NOW,
    local: [],
    remote: [],
    journal: [],
    localUuid: null,
    newUuid: "new-uuid",
    ...input,
  });
}

const PENDING = { status: "pending", md5_checksum: null } as const;

for (const kind of ["json", "netcdf"] as const) {
  const M = content(kind, 1, true);
  const P_M = local(kind, V1, 1);
  const P_DIFFERS = local(kind, V1, 9);
  // [case, local v1, remote v1, action, at v1?, record to be made?]
  const one: [number, LocalVersion | null, RemoteVersion | null, string, boolean, boolean][] = [
    [1, null, null, "new", true, true],
    [2, P_M, remote(kind, V1, 1), "unchanged", true, false],
    [3, P_M, remote(kind, V1, 1, PENDING), "upload", true, false],
    [4, P_DIFFERS, remote(kind, V1, 9), "new", false, true],
    [5, P_DIFFERS, remote(kind, V1, 9, PENDING), "new", false, true],
    [6, P_M, null, "upload", true, true],
    [7, P_DIFFERS, null, "new", false, true],
    [8, null, remote(kind, V1, 1), "unchanged", true, false],
    [9, null, remote(kind, V1, 9, PENDING), "upload", true, false],
    [10, null, remote(kind, V1, 9), "new", false, true],
    [11, null, remote(kind, V1, 9, { immutable: false }), "replace", true, false],
    [12, null, remote(kind, V1, 9, { ...PENDING, immutable: false }), "upload", true, false],
  ];
  for (const [number, l, r, action, atV1, create] of one) {
    Deno.test(`one known version, ${kind}, case ${number}: ${action}`, () => {
      const d = decide({ candidate: V1, content: M, local: l ? [l] : [], remote: r ? [r] : [] });
      assertEquals([d.action, d.create_record], [action, create]);
      assertEquals(d.version_id, atV1 ? V1 : NOW);
    });
  }

  const both = [local(kind, V1, 1), local(kind, V2, 2)];
  const onPlatform = [remote(kind, V1, 1), remote(kind, V2, 2)];
  const known: [string, LocalVersion[], RemoteVersion[], string[]][] = [
    ["local and remote", both, onPlatform, ["new", "none", "new", "none", "none", "none"]],
    ["local only", both, [], ["new", "upload 1", "new", "upload 2", "upload 2", "upload 2"]],
    ["remote only", [], onPlatform, ["new", "none", "new", "none", "none", "none"]],
  ];
  const columns = [[1, LATER], [1, V1], [1, V2], [2, LATER], [2, V1], [2, V2]] as const;
  for (const [name, l, r, results] of known) {
    columns.forEach(([m, c], i) => {
      Deno.test(`two known versions, ${kind}, ${name}, content of ${m}, candidate ${c}: ${results[i]}`, () => {
        const d = decide({ candidate: c, content: content(kind, m, true), local: l, remote: r });
        const at = d.version_id === V1 ? " 1" : d.version_id === V2 ? " 2" : "";
        assertEquals(d.action === "unchanged" ? "none" : d.action + at, results[i]);
        if (d.action === "new") assertEquals(d.version_id, c === LATER ? LATER : NOW);
        if (d.action === "unchanged") assertEquals(d.version_id, m === 1 ? V1 : V2);
      });
    });
  }
}

const JSON_1 = content("json", 1);

Deno.test("a new version takes the file's time only if that lies in (largest id, now] (F2)", () => {
  const idFor = (candidate: number, known: number[] = []) =>
    decide({ candidate, content: JSON_1, remote: known.map((v) => remote("json", v, 9)) }).version_id;
  assertEquals(idFor(V1), V1);
  assertEquals(idFor(NOW), NOW);
  assertEquals(idFor(NOW + 1), NOW, "a file time in the future");
  assertEquals(idFor(NOW + 10 * 365 * 86_400_000), NOW, "a PC clock ten years ahead");
  assertEquals(idFor(0), NOW);
  assertEquals(idFor(-5000), NOW);
  assertEquals(idFor(NaN), NOW);
  assertEquals(idFor(V1 + 0.75), V1, "ids are whole ms");
  assertEquals(idFor(V1, [V2]), NOW, "older than a known version");
  assertEquals(idFor(V1, [NOW + 5000]), NOW + 5001, "ids rise even past a version from the future");
});

Deno.test("a file whose time lies in the future makes one version, not one per run", () => {
  const first = decide({ candidate: NOW + 1_200_000, content: JSON_1 });
  const again = decide({
    candidate: NOW + 1_200_000,
    content: JSON_1,
    local: [{ version_id: first.version_id, present: true, ...JSON_1 }],
    remote: [remote("json", first.version_id, 1)],
  });
  assertEquals([again.action, again.version_id], ["unchanged", first.version_id]);
});

Deno.test("a pending record counts when it is the file's own, in the journal, or abandoned for an hour (F8)", () => {
  const pending = (agoMs: number) =>
    remote("json", V2, 1, { ...PENDING, modified: new Date(NOW - agoMs).toISOString() });
  const action = (input: Partial<VersionInput>) => {
    const d = decide({ candidate: LATER, content: JSON_1, ...input });
    return [d.action, d.version_id];
  };
  assertEquals(action({ remote: [pending(1000)] }), ["new", LATER]);
  assertEquals(action({ remote: [pending(3_599_999)] }), ["new", LATER]);
  assertEquals(action({ remote: [pending(3_600_000)] }), ["upload", V2]);
  assertEquals(action({ remote: [pending(1000)], candidate: V2 }), ["upload", V2]);
  const journal = [{ uuid: REMOTE_UUID, version_id: V2 }];
  assertEquals(action({ remote: [pending(1000)], journal }), ["upload", V2]);
  assertEquals(action({ remote: [pending(1000)], journal: [{ uuid: "other", version_id: V2 }] }), [
    "new",
    LATER,
  ]);
});

Deno.test("another machine's upload is not written to, its id is passed, and it hides no equal version (F8)", () => {
  const foreign = remote("json", V2, 9, { ...PENDING, modified: new Date(NOW).toISOString() });
  const d = decide({ candidate: V1 + 5, content: JSON_1, remote: [foreign] });
  assertEquals([d.action, d.version_id], ["new", NOW]);
  const same = decide({ candidate: V1 + 5, content: JSON_1, remote: [remote("json", V1, 1), foreign] });
  assertEquals([same.action, same.version_id], ["unchanged", V1]);
});

Deno.test("a secured version without checksum is different, mutable or not (F3)", () => {
  for (const immutable of [true, false]) {
    const d = decide({
      candidate: V1,
      content: JSON_1,
      remote: [remote("json", V1, 1, { md5_checksum: null, immutable })],
    });
    assertEquals(d.action, "new");
  }
});

Deno.test("a local version whose file is gone does not stand in the way", () => {
  const gone = { ...local("json", V1, 9), present: false };
  assertEquals(decide({ candidate: V1, content: JSON_1, local: [gone] }).action, "upload");
});

Deno.test("a netCDF file changed only in a scalar is another version, a re-packed one is not (F3, F13)", () => {
  const stored: LocalVersion = { version_id: V1, present: true, ...content("netcdf", 1) };
  const repacked = content("netcdf", 1, true);
  const scalar = { ...repacked, deep_sha256: "deep-changed" };
  const at = { candidate: LATER, local: [stored], remote: [remote("netcdf", V1, 1)] };
  assertEquals(decide({ ...at, content: repacked }).action, "unchanged");
  assertEquals(decide({ ...at, content: scalar }).action, "new");
  assertEquals(sameContent(repacked, { ...content("netcdf", 1), deep_sha256: null }), true);
});

Deno.test("all versions of a name keep one file uuid: the local one, else the remote one, else a new one (F1)", () => {
  const uuid = (input: Partial<VersionInput>) =>
    decide({ candidate: LATER, content: JSON_1, ...input }).file_uuid;
  const known = [remote("json", V1, 9)];
  assertEquals(uuid({}), "new-uuid");
  assertEquals(uuid({ remote: known }), REMOTE_UUID);
  assertEquals(uuid({ remote: known, localUuid: LOCAL_UUID }), LOCAL_UUID);
});

Deno.test("a version of its own time takes now to the second, and its ms from the content: whoever sees the same, chooses the same", () => {
  const of = (md5: string, now: number) =>
    decide({ candidate: V1, content: { ...content("json", 9), md5 }, now, remote: [remote("json", V2, 1)] })
      .version_id;
  assertEquals([of("000000ff", NOW + 256), of("000000ff", NOW + 900)], [NOW + 255, NOW + 255]);
  assertEquals(of("000000ff", NOW + 254), NOW - 745, "never later than now");
  assertEquals(of("000000fe", NOW + 900), NOW + 254);
});
