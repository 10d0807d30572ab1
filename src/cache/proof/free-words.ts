import { RULES } from "./form-rules.ts";
import { LEAD_INS, TAILS, wordsOfPattern } from "./frame.ts";
import { FUNCTION_WORDS, SOFT, SOFT_BEFORE_PREPOSITION, SOFT_BEFORE_WAY } from "./words/function-words.ts";
import { CONTRACTIONS, PHRASES_BY_FIRST, SHORT_FORMS, UNITS } from "./words/phrases.ts";

/** Words that the parser handles by name, beside those of its lists. */
const BY_NAME =
  "more most less mine got gets get getting gotten leave left depart departed arrive arrived summarize summarise summary " +
  "different differs differ distinct js usa jean who it us zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
  "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions billion billions trillion trillions quadrillion quadrillions lakh lakhs crore crores first second third fourth fifth sixth seventh eighth " +
  "ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth dozen am pm oclock percent dollar euro pound sterling yen " +
  "used formerly accustomed high low large great big many small little amount number quantity year years read watch visit try play use buy eat listen know book reserve run runs flow flows pass passes traverse traverses";

/**
 * Words that the parser may drop, replace by others, or join with their neighbours: function words, the words of lead-ins and forms, of
 * expressions that stand for one word, numbers and units. One of them on one side alone proves nothing.
 */
export const FREE_WORDS: ReadonlySet<string> = freeWords();

/** Words that the parser puts in the place of others: "how tall is" asks for a height, and so may match "elevation". */
export const REPLACEMENTS: ReadonlySet<string> = new Set([
  ...RULES.flatMap(({ as = "", after = "" }) => `${as} ${after}`.split(" ")),
  ...[...PHRASES_BY_FIRST.values()].flat().flatMap(([, to]) => to),
  ...UNITS.values(),
  ...[...CONTRACTIONS.values()].flat(),
  "compare",
  "high",
  "low",
  "number",
]);

function freeWords(): ReadonlySet<string> {
  const found = new Set<string>([...FUNCTION_WORDS, ...SOFT, ...SOFT_BEFORE_PREPOSITION, ...SOFT_BEFORE_WAY]);
  const add = (text: string): void => {
    for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) found.add(word);
  };
  add(BY_NAME);
  for (const { head, tail, as = "", after = "" } of RULES) {
    for (const word of wordsOfPattern(head)) found.add(word);
    if (tail !== undefined) for (const word of wordsOfPattern(tail)) found.add(word);
    add(`${as} ${after}`);
  }
  for (const pattern of [...LEAD_INS, TAILS]) for (const word of wordsOfPattern(pattern)) found.add(word);
  for (const [from, to] of CONTRACTIONS) add(`${from.replaceAll("'", "")} ${to.join(" ")}`);
  for (const phrases of PHRASES_BY_FIRST.values())
    for (const [from, to] of phrases) add([...from, ...to].join(" ").replaceAll("_", " "));
  for (const [from, to] of UNITS) add(`${from} ${to}`);
  for (const [from, to] of SHORT_FORMS) if (to.includes("-")) add(`${from} ${to}`);
  return found;
}
