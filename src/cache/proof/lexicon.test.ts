import { expect, it } from "vitest";
import { isDigits, lookUp } from "./lexicon.ts";
import { DEMONYMS } from "./words/demonyms.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";
import { DEGREES, IRREGULAR } from "./words/irregular.ts";
import { SHORT_FORMS, SPELLINGS } from "./words/phrases.ts";
import { SYNONYMS } from "./words/synonyms.ts";

it("reads digits as a word of their own, which no list has", () => {
  expect(["7", "2026", "1st", "3d", "v2", "", "٣"].map(isDigits)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
  const lists = [DEMONYMS, FUNCTION_WORDS, DEGREES, IRREGULAR, SHORT_FORMS, SPELLINGS, SYNONYMS];
  expect(lists.flatMap((list) => [...list.keys()]).filter(isDigits)).toEqual([]);
  const unknown = { also: [], degree: "", synonyms: [], groups: [], parts: "", isName: false };
  expect(lookUp("2026")).toEqual({ lemma: "2026", ...unknown });
});
