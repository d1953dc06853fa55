/** Checks numbers in options while the command line is parsed. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

/** Above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError("Expected a number above 0.");
  }
  return value;
}

/** 0 to 65535; 0 = any free port. */
export function portNumber(text: string): number {
  const value = wholeNumber(text);
  if (value > 65535) throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return value;
}

/** At least 1. */
export function atLeastOne(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError("Expected a whole number from 1.");
  return value;
}
