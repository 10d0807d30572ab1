import type { Token } from "./token.ts";

/** Whether the only present in a sentence is that of "has been". */
export function isPerfect(tokens: readonly Token[]): boolean {
  const has = (pattern: RegExp) => tokens.some(({ text, exact }) => !exact && pattern.test(text));
  return has(/^been$/) && has(/^ha(?:s|ve)$/) && !has(/^(?:is|are|am|do|does|will|had)$/);
}
