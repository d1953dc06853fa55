/**
 * When a NaN is a reading. Quantify fills its arrays with NaN before it measures, so a NaN alone says nothing; but NaN
 * readings are data. Two kinds of evidence tell them apart; without either a NaN counts as not measured.
 *
 * - Together: all variables of a point are stored at once. Once a variable was seen to get its value of a point at the
 *   same time as another one, and never later than another, a NaN in it is a reading where another one has a value.
 * - In order: points are measured in the order of the file. Once so many points were seen to come behind all earlier
 *   ones that chance would do it less than once in a million, and while there are few gaps, NaN is a reading in a short
 *   gap between points that have a value.
 *
 * One sight to the contrary withdraws an evidence for good: writers that fill in any order, every other point first, or
 * variable by variable get no NaN from us before the value is there.
 */

/** ln 10⁶ */
const PROOF = 6 * Math.LN10;

/** Least part of the points up to the last one that have a value. */
const DENSE = 0.8;
/** Most points of a gap in which NaN is a reading. */
export const LONGEST_GAP = 16;

/** Whether values come in the order of the points. */
export class OrderEvidence {
  /** Position of the last point that has a value; -1 for none. */
  last = -1;
  #count = 0;
  #weight = 0;
  #disproved = false;

  get proven(): boolean {
    return !this.#disproved && this.#weight > PROOF && this.#count >= DENSE * (this.last + 1);
  }

  /** Takes note of values whose time is not known. */
  addKnown(position: number): void {
    this.#count++;
    this.last = Math.max(this.last, position);
  }

  /** Takes note of the values that came since the last time, by their number, first and last position. */
  addNew(count: number, first: number, last: number): void {
    if (count === 0) return;
    if (first <= this.last) this.#disproved = true;
    // Of all orders of k + m points, one in C(k + m, k) has the m new ones behind the k earlier ones.
    this.#weight += logChoose(this.#count + count, count);
    this.#count += count;
    this.last = Math.max(this.last, last);
  }

  /** Forgets the points from `length` on. */
  trim(length: number): void {
    this.last = Math.min(this.last, length - 1);
    this.#count = Math.min(this.#count, length);
  }
}

/** Whether a variable gets its values together with the other variables of a point. */
export class TogetherEvidence {
  #seen = false;
  #late = false;

  get proven(): boolean {
    return this.#seen && !this.#late;
  }

  /** @param before another variable had its value of this point at an earlier look; `now`: it has it at this look */
  addNew(before: boolean, now: boolean): void {
    if (before) this.#late = true;
    else if (now) this.#seen = true;
  }
}

/** ln C(n, k), counted no further than a proof needs. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let j = 1; j <= Math.min(k, n - k) && sum <= PROOF; j++) {
    sum += Math.log((n - Math.min(k, n - k) + j) / j);
  }
  return sum;
}
