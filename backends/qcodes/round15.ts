/** The 15 significant digits with which QCoDeS reads `numeric` cells. */

const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * Rounds to 15 significant digits, as `float('%.15g' % v)` does. Whole numbers stay as they are: SQLite keeps them as
 * INTEGER, whose text form has all digits.
 */
export function round15(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const power = POWERS[14 - exponent];
  if (power !== undefined) {
    const scaled = value * power;
    const rounded = Math.round(scaled);
    // The product is off by less than 0.1, so only near a tie the decimal digits must decide.
    if (Math.abs(scaled - rounded) < 0.4 && Math.abs(rounded) >= 1e14 && Math.abs(rounded) < 1e15) {
      return rounded / power;
    }
  }
  return Number(value.toPrecision(15));
}
