/** A Unicode normal form. */
export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/**
 * More than 30 combining marks in a row, as many as the Stream-Safe Text Format allows; no language writes so many. Two half-width Katakana
 * marks become combining marks in a compatibility form. A run is found at its first mark only, so the search is linear.
 */
const LONG_RUN = /[\p{M}\uFF9E\uFF9F](?<![\p{M}\uFF9E\uFF9F]{2})[\p{M}\uFF9E\uFF9F]{30,}/gu;

/**
 * A text in a normal form of Unicode, but for runs of more than 30 combining marks, which stay as they were written. Putting such a run in
 * order takes time that grows with the square of its length, so `String.prototype.normalize` on a text of 100,000 characters can take
 * seconds. Texts that are the same afterwards are the same to Unicode. Pure, linear, idempotent.
 *
 * @source Unicode Standard Annex #15, "Stream-Safe Text Format"
 */
export function normalise(text: string, form: NormalForm): string {
  let normal = "";
  let from = 0;
  for (const { 0: run, index } of text.matchAll(LONG_RUN)) {
    normal += text.slice(from, index).normalize(form) + run;
    from = index + run.length;
  }
  return from === 0 ? text.normalize(form) : normal + text.slice(from).normalize(form);
}
