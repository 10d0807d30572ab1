/**
 * Numbers as tags, for schemas with more numbers than an index may have fields: a number has a tag for each beginning of its 16
 * hexadecimal digits, in an order that is the numbers' own; a range is the few beginnings that cover it.
 */

const DIGITS = 16;
const LAST = 2n ** 64n - 1n;
const view = new DataView(new ArrayBuffer(8));

/** Numbers in a range; an absent bound is open. */
export interface NumberRange {
  readonly above?: { readonly value: number; readonly included: boolean } | undefined;
  readonly below?: { readonly value: number; readonly included: boolean } | undefined;
}

/** Returns the tags of a number. */
export function numberTags(code: number, value: number): string[] {
  const digits = place(value).toString(16).padStart(DIGITS, "0");
  return Array.from({ length: DIGITS }, (_, at) => tagOf(code, digits.slice(0, at + 1)));
}

/** Returns tags such that a number has exactly one of them if it is in the range; at most 480, none for an empty range. */
export function rangeTags(code: number, { above, below }: NumberRange): string[] {
  const from = above === undefined ? 0n : place(above.value) + (above.included ? 0n : 1n);
  const to = below === undefined ? LAST : place(below.value) - (below.included ? 0n : 1n);
  const found: string[] = [];
  cover("", 0n, LAST, from, to, found);
  return found.map((digits) => tagOf(code, digits));
}

function cover(digits: string, first: bigint, last: bigint, from: bigint, to: bigint, found: string[]): void {
  if (last < from || first > to) return;
  if (digits !== "" && first >= from && last <= to) {
    found.push(digits);
    return;
  }
  const width = (last - first + 1n) / 16n;
  for (let digit = 0n; digit < 16n; digit += 1n) {
    const start = first + digit * width;
    cover(digits + digit.toString(16), start, start + width - 1n, from, to, found);
  }
}

/** A number's place among all, by its bits: negative ones turned over, the others above them. -0 is 0. */
function place(value: number): bigint {
  view.setFloat64(0, value === 0 ? 0 : value);
  const bits = view.getBigUint64(0);
  return bits >> 63n === 1n ? LAST - bits : bits | (1n << 63n);
}

const tagOf = (code: number, digits: string) => `r${code}_${digits}`;
