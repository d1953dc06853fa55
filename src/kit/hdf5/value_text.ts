/** Values and types as the text or bytes that the content hashes take in. */
import { Buffer } from "node:buffer";
import type { Hdf5Values } from "./decode.ts";
import { pythonFloat, pythonFloat32, pythonString } from "./python_text.ts";
import type { Hdf5Type } from "./types.ts";

/** F11.2: two or more numbers as bytes, everything else as text. */
export function attributeBytes(values: Hdf5Values, type: Hdf5Type): Uint8Array {
  if (ArrayBuffer.isView(values) && elementCount(values, type) >= 2) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const elements = elementTexts(values, type);
  if (elements.length !== 1) return Buffer.from(`[${elements.join(", ")}]`);
  // Alone, text stands without quotes.
  return Buffer.from(Array.isArray(values) && typeof values[0] === "string" ? values[0] : elements[0] ?? "");
}

function elementCount(values: Hdf5Values, type: Hdf5Type): number {
  if (!ArrayBuffer.isView(values)) return elementTexts(values, type).length;
  return type.kind === "number" || type.kind === "enum" || type.kind === "bytes"
    ? values.byteLength / type.bytes
    : values.length;
}

/** Each element as Python prints it inside a list. */
export function elementTexts(values: Hdf5Values, type: Hdf5Type): string[] {
  if (ArrayBuffer.isView(values)) {
    if (type.kind === "number" && (type.dtype === "c8" || type.dtype === "c16")) return complexTexts(values);
    if (type.kind === "number" && type.dtype === "bool") {
      return Array.from<number | bigint, string>(values, (value) => value ? "True" : "False");
    }
    if (values instanceof Float32Array) return Array.from(values, pythonFloat32);
    if (values instanceof Float64Array) return Array.from(values, (value) => pythonFloat(value));
    return Array.from(values, String);
  }
  if (Array.isArray(values)) {
    return values.map((value) => typeof value === "string" ? pythonString(value) : listText(value, type));
  }
  const columns = Object.entries(values.fields).map(([name, column]) => {
    const field = type.kind === "compound"
      ? type.fields.find((candidate) => candidate.name === name)
      : undefined;
    return field ? elementTexts(column, field.type) : [];
  });
  const length = Math.max(0, ...columns.map((column) => column.length));
  return Array.from({ length }, (_, i) => `(${columns.map((column) => column[i] ?? "").join(", ")})`);
}

function complexTexts(values: ArrayLike<number | bigint>): string[] {
  return Array.from({ length: values.length / 2 }, (_, i) => {
    const re = Number(values[2 * i]), im = Number(values[2 * i + 1]);
    const number = (value: number) => pythonFloat(value).replace(/\.0$/, "");
    const imaginary = number(im);
    if (Object.is(re, 0)) return `${imaginary}j`;
    return `(${number(re)}${/^-/.test(imaginary) ? "" : "+"}${imaginary}j)`;
  });
}

function listText(value: Hdf5Values, type: Hdf5Type): string {
  return `[${elementTexts(value, type.kind === "sequence" ? type.base : type).join(", ")}]`;
}

/** A type as text, for the deep hash; byte order does not matter. */
export function typeText(type: Hdf5Type): string {
  switch (type.kind) {
    case "number":
      return type.dtype;
    case "enum":
      return `${type.dtype}${JSON.stringify(type.members)}`;
    case "compound":
      return `{${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join()}}`;
    case "array":
      return `${typeText(type.base)}[${type.shape.join()}]`;
    case "sequence":
      return `${typeText(type.base)}[]`;
    case "text":
      return "text";
    case "bytes":
      return `bytes${type.bytes}`;
    case "unsupported":
      return type.reason;
  }
}
