/** Assertions under the names of @std/assert, on the runtime's own node:assert: the JSR package can be put back here in one line. */
import assert from "node:assert/strict";

export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = (a, e, m) =>
  assert.deepStrictEqual(a, e, m);
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void = (a, e, m) =>
  assert.notDeepStrictEqual(a, e, m);
export function assert_(condition: unknown, message?: string): asserts condition {
  assert.ok(condition, message);
}
export { assert_ as assert };
export const assertMatch: (actual: string, pattern: RegExp, message?: string) => void = (a, p, m) =>
  assert.match(a, p, m);
export function assertStringIncludes(actual: string, part: string, message?: string): void {
  assert.ok(
    actual.includes(part),
    message ?? `${JSON.stringify(actual)} does not include ${JSON.stringify(part)}`,
  );
}
/** Returns what was thrown, so that its fields can be asserted. */
export function assertThrows(fn: () => unknown): Error {
  try {
    fn();
  } catch (e) {
    if (e instanceof Error) return e;
    throw e;
  }
  throw new assert.AssertionError({ message: "expected the function to throw" });
}
/** Returns what the promise was rejected with. */
export async function assertRejects(fn: () => Promise<unknown>): Promise<Error> {
  try {
    await fn();
  } catch (e) {
    if (e instanceof Error) return e;
    throw e;
  }
  throw new assert.AssertionError({ message: "expected the promise to be rejected" });
}
