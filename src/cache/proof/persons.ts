import type { Token } from "./token.ts";

/** Whether the only present in a sentence is that of "has been". */
export function isPerfect(tokens: readonly Token[]): boolean {
  let [been, have] = [false, false];
  for (const { text } of tokens) {
    if (text === "been") been = true;
    else if (text === "has" || text === "have") have = true;
    else if (OTHER_TENSES.has(text)) return false;
  }
  return been && have;
}

const OTHER_TENSES = new Set("is are am do does will had".split(" "));

/** Subjects of the first and second person. */
export const SUBJECTS: ReadonlySet<string> = new Set(["i", "we", "you"]);

/** Whether two take part in a sentence, so that it counts who does or is what: "you are the buyer and I am the seller". */
export function playsRoles(tokens: readonly Token[]): boolean {
  let [speaks, isSpokenTo, joins, before] = [false, false, false, ""];
  for (const { text } of tokens) {
    if (text === "i" || text === "we") {
      if (!speaks) joins = before === "and";
      speaks = true;
    } else if (text === "you") isSpokenTo = true;
    before = text;
  }
  return speaks && (isSpokenTo || joins);
}
