/** Whether a netCDF file says the same as a truth file: variables, dimensions, coordinates, values, units and labels. */
import { assertEquals } from "./assert.ts";
import { netcdfContent, type NetcdfVariable } from "./netcdf_content.ts";

/** Relative difference up to which numbers are equal: some truth libraries read numbers through 15-digit text. */
const TOLERANCE = 1e-14;

/** Asserts that there are no differences; of the attributes, those of the truth's `units` and `long_name` count. */
export async function assertNetcdfEqual(produced: string, truth: string): Promise<void> {
  assertEquals(await netcdfDifferences(produced, truth), [], `${produced} differs from ${truth}`);
}

/** One sentence per difference. */
export async function netcdfDifferences(produced: string, truth: string): Promise<string[]> {
  const [a, b] = [await variablesOf(produced), await variablesOf(truth)];
  const differences = [...a.keys()].filter((name) => !b.has(name)).map((name) =>
    `${name} is not in the truth`
  );
  for (const [name, expected] of b) {
    const found = a.get(name);
    const difference = found ? differenceOf(found, expected) : "is missing";
    if (difference) differences.push(`${name} ${difference}`);
  }
  return differences;
}

interface Comparable extends NetcdfVariable {
  isCoordinate: boolean;
}

async function variablesOf(path: string): Promise<Map<string, Comparable>> {
  const { variables, groups } = await netcdfContent(path);
  const owners = [...Object.values(variables), { attributes: groups[""] ?? {} }];
  const named = new Set(owners.flatMap(({ attributes }) => String(attributes.coordinates ?? "").split(" ")));
  return new Map(
    Object.entries(variables).map(([name, v]) =>
      [name, { ...v, isCoordinate: named.has(name) || v.dims.join() === name }] as const
    ),
  );
}

function differenceOf(a: Comparable, b: Comparable): string | undefined {
  const where = (v: Comparable) => `(${v.dims}) ${v.shape}`;
  if (where(a) !== where(b)) return `has ${where(a)}, expected ${where(b)}`;
  if (a.isCoordinate !== b.isCoordinate) {
    return `is ${a.isCoordinate ? "a" : "no"} coordinate, expected otherwise`;
  }
  if (kindOf(a) !== kindOf(b)) return `is ${a.dtype}, expected ${b.dtype}`;
  const [found, truth] = [valuesOf(a), valuesOf(b)];
  const at = truth.findIndex((value, i) => !isClose(found[i], value));
  if (at >= 0) return `holds ${found[at]} at ${at}, expected ${truth[at]}`;
  for (const label of ["units", "long_name"]) {
    const expected = b.attributes[label];
    if (expected !== undefined && a.attributes[label] !== expected) {
      return `has ${label} ${a.attributes[label]}, expected ${expected}`;
    }
  }
}

function kindOf({ dtype = "none" }: NetcdfVariable): string {
  return dtype === "bool" || /^[iu]/.test(dtype) ? "integer" : dtype.replace(/\d+$/, "");
}

/** A complex number with one part NaN is not a number, whatever the other part. */
function valuesOf({ dtype, values }: NetcdfVariable): unknown[] {
  if (dtype !== "c8" && dtype !== "c16") return values;
  return values.map((value, i) => Number.isNaN(values[i ^ 1]) ? NaN : value);
}

function isClose(a: unknown, b: unknown): boolean {
  if (typeof b === "bigint" || typeof a === "bigint") return BigInt(a as bigint) === BigInt(b as bigint);
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return a === b || Number.isNaN(a) && Number.isNaN(b) || Math.abs(a - b) <= TOLERANCE * Math.abs(b);
}
