import { SETTLED, type Alignment } from "./align.ts";
import { sameRoles, type Placed } from "./arrange.ts";
import type { Clause, Item } from "./clause.ts";
import type { Level } from "./level.ts";

/** Longest sentences in which phrases may move, in content words. */
const MOVING_MAX = 16;
const COMPARED = new Set(["compare", "difference"]);

/** Whether the partners of two sentences stand in other roles. */
export function rolesDiffer(a: Clause, b: Clause, { a: left, b: right, isSame }: Alignment, level: Level): boolean {
  if (isSame && areBoundAlike(a, b)) return false;
  const names = namesOfPairs(a, left);
  const derived = derivedPairs(a, b, left, right);
  const [one, other] = [placed(a, left, names, derived), placed(b, right, names, derived)].map((list) =>
    list.filter(({ isOperator }) => !isOperator),
  ) as [Placed[], Placed[]];
  // Keywords have no order, as long as no preposition binds them.
  const keywords = (isKeywords(a) || isKeywords(b)) && one.length <= 10;
  const repeated = new Set<string>();
  for (const list of [a.items, b.items]) {
    const seen = new Set<string>();
    for (const { mark } of list) {
      if (mark === "") continue;
      if (seen.has(mark)) repeated.add(mark);
      seen.add(mark);
    }
  }
  if (isTurned(a, left, b, right)) return true;
  const moves = one.length <= MOVING_MAX;
  return !sameRoles(one, other, {
    keywords: keywords || level === "aggressive",
    repeated,
    moves,
    loose: level !== "strict",
    counted: a.form === "many" && b.form === "many",
    compared: COMPARED.has(a.items[0]?.entry.lemma ?? ""),
  });
}

/** Whether the phrases of the same words begin alike. */
function areBoundAlike({ items: a }: Clause, { items: b }: Clause): boolean {
  for (let at = 0; at < a.length; at += 1)
    if ((a[at] as Item).mark !== (b[at] as Item).mark || (a[at] as Item).starts !== (b[at] as Item).starts)
      return false;
  return true;
}

/** Returns true if the words before and after a verb are swapped: "java call python". */
function isTurned(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  const inB = new Map(right.map((pair, at) => [pair, at]));
  if ([...a.items, ...b.items].some(({ mark }) => mark !== "")) return false;
  return a.items.some(({ word, entry, exact }, at) => {
    if (exact || at === 0 || word !== entry.lemma || !entry.parts.includes("v")) return false;
    const [before, verb, behind] = [left[at - 1], left[at], left[at + 1]].map((pair) =>
      pair === undefined || pair < 0 ? -1 : (inB.get(pair) ?? -1),
    ) as [number, number, number];
    return before >= 0 && verb >= 0 && behind >= 0 && behind < verb && verb < before;
  });
}

/** Keywords: content words alone, behind "show me" or by themselves. */
function isKeywords({ form, isBare }: Clause): boolean {
  return isBare && (form === "keywords" || form === "show" || form === "explain" || form === "how");
}

/** Pairs of an act and its noun: "prevent" and "prevention". */
function derivedPairs(a: Clause, b: Clause, left: readonly number[], right: readonly number[]): ReadonlySet<number> {
  const inB = new Map(b.items.map((item, at) => [right[at] as number, item]));
  const found = new Set<number>();
  a.items.forEach((item, at) => {
    const other = inB.get(left[at] as number);
    if (other === undefined || item.word === other.word) return;
    const isVerb = (one: Item) => one.word.endsWith("ing") || one.entry.parts.startsWith("v");
    // Two forms of one verb are no act and its noun: who acquired it is not whom it acquired.
    if (item.entry.lemma === other.entry.lemma || areFormsOfOne(item, other)) return;
    const isNoun = (one: Item) => one.word.endsWith("ation");
    if (isVerb(item) !== isVerb(other) || isNoun(item) !== isNoun(other)) found.add(left[at] as number);
  });
  return found;
}

function areFormsOfOne({ entry: a }: Item, { entry: b }: Item): boolean {
  return a.also.includes(b.lemma) || b.also.includes(a.lemma);
}

/** Pairs of one word have one number: of "deep web and dark web" both webs are the same. */
function namesOfPairs({ items }: Clause, pairs: readonly number[]): ReadonlyMap<number, number> {
  const [names, known] = [new Map<number, number>(), new Map<string, number>()];
  items.forEach(({ entry, exact, word, degree }, at) => {
    const pair = pairs[at] as number;
    if (pair < 0) return;
    const key = exact ? `=${word}` : `${entry.lemma}${degree}`;
    if (!known.has(key)) known.set(key, pair);
    names.set(pair, known.get(key) as number);
  });
  return names;
}

const HEADS = new Set(
  (
    "example tutorial guide recipe note news time thread practice risk shortcut basic result edition setup config configuration list price cost review comparison tip error problem issue weather forecast " +
    "schedule timetable documentation benefit effect alternative definition meaning symptom treatment cause rate score population capital hour date calculator " +
    "today tomorrow yesterday tonight now daily weekly monthly ascending descending online recommendation suggestion help idea question answer documentation download monitoring fix summary location bug"
  ).split(" "),
);

/** Nouns that take "of" and "for" before their topic. */
const TOPICS = new Set(
  (
    "synonym antonym citation translation symbol requirement reason formula code option deadline name term word limit method way procedure process syntax command rule default value fee charge budget evidence need demand market use purpose algorithm policy " +
    "average minimum maximum range size dose dosage amount number test password key phone address account data statistic forecast measure criterion condition opening time period length"
  ).split(" "),
);

/** Acts that are their own nouns: "set up wireguard", "wireguard setup". */
const ALSO_ACTS = new Set("set_up back_up log_in log_out sign_up top_up check_in check_out shut_down".split(" "));

/** Verbs that are names of tools in keywords, or things in compounds: a leave, a test, a transfer. */
const NOT_ACTS = new Set([
  ..."leave transfer test charge order return book set drop claim deposit loan fund license permit patent report record post stock bank mail ship cast contract care release store support".split(
    " ",
  ),
  "rust",
  "go",
  "excel",
  "express",
  "swift",
  "spring",
  "spark",
  "react",
  "bash",
  "access",
  "word",
]);

/** A head of keywords or an act; a year, too. */
export function isHead({ word, entry, exact, isName, isNumber }: Item): boolean {
  if (isNumber) return /^(?:19|20)\d\d$/.test(word);
  if (exact || isName || NOT_ACTS.has(word)) return false;
  // "Dry" is an act, and says which skin.
  const isAct = entry.parts.startsWith("v") && !entry.parts.includes("a") && word === entry.lemma;
  return HEADS.has(entry.lemma) || word.includes("_") || isAct;
}

function placed(
  { items }: Clause,
  pairs: readonly number[],
  names: ReadonlyMap<number, number>,
  derived: ReadonlySet<number>,
): Placed[] {
  const found: Placed[] = [];
  // A phrase whose first word stands alone begins with its second one.
  let [mark, starts] = ["", false];
  items.forEach((item, at) => {
    const pair = pairs[at] as number;
    if (item.starts) [mark, starts] = ["", false];
    if (pair < 0) {
      if (pair !== SETTLED && item.starts) [mark, starts] = [item.mark, true];
      return;
    }
    found.push({
      id: names.get(pair) ?? pair,
      mark: item.starts ? item.mark : mark,
      starts: item.starts || starts,
      isNumber: item.isNumber,
      isSuperlative: item.degree === "est",
      isOperator: item.exact && /^[A-Za-z]+:/.test(item.word),
      isDerived: derived.has(pair) || ALSO_ACTS.has(item.word),
      isAct: item.word.endsWith("ing") && item.entry.parts.includes("v"),
      isAdverb: item.word.endsWith("ly") && item.entry.parts.startsWith("r"),
      isPredicate: !item.exact && !item.isName && /^[^n].*a|^a/.test(item.entry.parts),
      isName: item.isName && !item.entry.isName && item.entry.parts !== "",
      isHead: isHead(item),
      isTopic: TOPICS.has(item.entry.lemma),
      isKnown: !item.exact && !item.isName && !item.entry.isName && item.entry.parts !== "",
      isVerb: !item.exact && item.word === item.entry.lemma && item.entry.parts.startsWith("v"),
      isOwner: item.isOwner === true,
      isThing: !item.exact && !item.isName && !item.entry.isName && item.entry.parts.startsWith("n"),
    });
    [mark, starts] = ["", false];
  });
  return found;
}
