import type { Token } from "./token.ts";

/** Whether the only present in a sentence is that of "has been". */
export function isPerfect(tokens: readonly Token[]): boolean {
  const has = (pattern: RegExp) => tokens.some(({ text, exact }) => !exact && pattern.test(text));
  return has(/^been$/) && has(/^ha(?:s|ve)$/) && !has(/^(?:is|are|am|do|does|will|had)$/);
}

/** Who speaks and who is spoken to, as subjects. */
export const SUBJECTS: ReadonlySet<string> = new Set(["i", "we", "you"]);

/** Whether two take part in a sentence, so that it counts who does or is what: "you are the buyer and I am the seller". */
export function playsRoles(tokens: readonly Token[]): boolean {
  const at = tokens.findIndex(({ text }) => text === "i" || text === "we");
  return at >= 0 && (tokens.some(({ text }) => text === "you") || tokens[at - 1]?.text === "and");
}
