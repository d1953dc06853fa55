/** A writer that behaves as Quantify's, for the tests of this folder. */
import { join } from "node:path";
import { assert } from "../../../tests/assert.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { netcdfContent } from "../../../tests/netcdf_content.ts";
import { writeNetcdf } from "../../../src/kit/hdf5/netcdf_writer.ts";
import type { LabelledArray } from "../../../src/kit/labelled.ts";
import type { LiveAnswer, LiveSession } from "../../../src/kit/live.ts";
import { convertFile } from "../convert.ts";
import quantify from "../mod.ts";
import { tempFolder } from "../testing.ts";

const DAY = "20250602";

/** One variable along the points; complex numbers as pairs. */
export interface Column {
  name: string;
  values: Float64Array | Float32Array | BigInt64Array;
  isComplex?: boolean;
}

export class Lab implements AsyncDisposable {
  /** Clock of the session, ms; the files' own times are moved along with it. */
  now = Date.now();
  readonly #sessions: LiveSession[] = [];
  #temps = 0;

  private constructor(readonly path: string, readonly folder: { [Symbol.asyncDispose](): Promise<void> }) {}

  static async open(): Promise<Lab> {
    const temp = await tempFolder();
    await Deno.mkdir(join(temp.path, "data", DAY), { recursive: true });
    return new Lab(temp.path, temp);
  }

  get root(): string {
    return join(this.path, "data");
  }

  /** Makes a container. @param time of day, HHMMSS */
  async container(time = "101500", name = "run", day = DAY): Promise<Container> {
    const folder = join(this.root, day, `${day}-${time}-123-abc123${name && `-${name}`}`);
    await Deno.mkdir(folder, { recursive: true });
    return new Container(this, folder);
  }

  async live(container: Container, resumed?: true): Promise<LiveAnswer> {
    const temp = join(this.path, `session-${this.#temps++}`);
    await Deno.mkdir(temp);
    const identifier = container.folder.slice(this.root.length + 1);
    const config = { quantify_directory: this.root, set_up: "fridge" };
    const context = {
      temp,
      timeZone: "Europe/Amsterdam",
      now: () => this.now,
      ...(resumed ? { resumed } : {}),
    };
    const answer = await quantify.live?.(config, { identifier, path: container.folder }, context);
    assert(answer);
    if ("session" in answer) this.#sessions.push(answer.session);
    return answer;
  }

  async session(container: Container): Promise<LiveSession> {
    const answer = await this.live(container);
    assert("session" in answer, JSON.stringify(answer));
    return answer.session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) await session.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

export class Container {
  readonly file: string;
  /** Attributes of the variables and of the file. */
  attrs: Record<string, string> = { name: "stored name" };

  constructor(readonly lab: Lab, readonly folder: string) {
    this.file = join(folder, "dataset.hdf5");
  }

  /** Rewrites the data file in place, as Quantify does; the clock moves on by half a second. */
  async write(columns: readonly Column[], elapsed = 500): Promise<void> {
    const bytes = await this.bytes(columns);
    this.lab.now += elapsed;
    await Deno.writeFile(this.file, bytes);
    await this.touch();
  }

  /** The data file was written now. */
  async touch(): Promise<void> {
    await Deno.utime(this.file, this.lab.now / 1000, this.lab.now / 1000);
  }

  async bytes(columns: readonly Column[]): Promise<Uint8Array> {
    const path = join(this.lab.path, "next.hdf5");
    await writeNetcdf(path, { arrays: columns.map(arrayOf), attrs: this.attrs }, { gzip: 0 });
    return await Deno.readFile(path);
  }

  /** The differences between what was told and what the finished file becomes. */
  async differences(replay: LiveReplay): Promise<string[]> {
    const output = join(this.lab.path, "converted.hdf5");
    await convertFile(this.file, output, this.lab.path, () => {});
    return replay.differences(await netcdfContent(output));
  }
}

function arrayOf({ name, values, isComplex }: Column): LabelledArray {
  const dtype = isComplex
    ? "c16"
    : values instanceof BigInt64Array
    ? "i8"
    : values instanceof Float32Array
    ? "f4"
    : "f8";
  return {
    name,
    dims: ["dim_0"],
    shape: [values.length / (isComplex ? 2 : 1)],
    dtype,
    data: values,
    attrs: { name: `par_${name}`, long_name: `Parameter ${name}`, units: "V" },
    role: name.startsWith("x") ? "coordinate" : "data",
  };
}

/** Numbers as a column. */
export function column(name: string, values: Iterable<number>): Column {
  return { name, values: Float64Array.from(values) };
}

/** `length` cells that are not measured. */
export const unmeasured = (length: number) => new Array<number>(length).fill(NaN);

export const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Looks until nothing is new, without pauses. */
export async function follow(session: LiveSession, replay = new LiveReplay()): Promise<LiveReplay> {
  for (;;) {
    const { changes, end, more, delayed } = await session.look();
    replay.apply(changes);
    replay.end = end;
    if (delayed !== undefined) replay.delays.push(delayed);
    if (end || (!more && changes.length === 0)) return replay;
  }
}
