/** A measurement for tests. */
import type { SessionFacts, Structure, WireChange } from "./live_event.ts";

export const FACTS: SessionFacts = {
  source: "fridge",
  item_id: 7,
  dataset_uuid: "2f0a4a4e-6a5a-4b39-8a3a-000000000001",
  name: "sweep",
  backend: "qcodes",
  live_file: null,
};

const plain = { units: null, long_name: null, depends_on: [] };

export const STRUCTURE: Structure = {
  name: "gate sweep",
  attrs: { sample: "Q7", gain: 3 },
  variables: [
    { ...plain, name: "x", dtype: "f8", dims: ["x"], shape: [0], role: "setpoint", units: "V" },
    { ...plain, name: "y", dtype: "f8", dims: ["a", "b"], shape: [0, 3], role: "measured" },
    { ...plain, name: "n", dtype: "i8", dims: ["x"], shape: [0], role: "measured" },
    { ...plain, name: "label", dtype: "text", dims: ["x"], shape: [0], role: "measured" },
  ],
};

/** A patch of floats. */
export function floats(
  name: string,
  offset: number[],
  shape: number[],
  values: number[],
): WireChange & { type: "patch" } {
  const data = new Uint8Array(Float64Array.from(values).buffer).toBase64();
  return { type: "patch", var: name, offset, shape, encoding: "f64le", data };
}
