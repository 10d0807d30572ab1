import type { Item } from "./item.ts";
import { lookUp } from "./lexicon.ts";
import type { Form } from "./form-rules.ts";
import { DEMONYMS, OF_COUNTRIES } from "./words/demonyms.ts";

/** Content words with their conjunctions, as they are rewritten into one of several ways to say a thing. */
export interface Phrasing {
  readonly items: readonly Item[];
  readonly joints: readonly string[];
}

/** Rewrites alternative phrasings to one: heads of long phrases, tools, years, comparisons. Pure, linear. */
export function rewrite({ items, joints }: Phrasing, form: Form): Phrasing {
  const plain = withYears(withTool(withHead(withCountry(withCourse(withBooking(items)))), form));
  return withDistance(withComparison({ items: plain, joints }, form));
}

const BOOKED = new Set(
  "table room flight hotel seat ticket appointment car cabin suite court restaurant hostel cruise".split(" "),
);
/** Most words between "book" and its object: "book a hotel room". */
const BOOKED_WITHIN = 3;

/** "Book a table" as "reserve a table". */
function withBooking(items: readonly Item[]): readonly Item[] {
  const at = items[0]?.word === "book" ? 0 : 1;
  const act = items[at];
  if (act?.word !== "book" || act.exact || !(act.mark === "" || act.mark === "inf")) return items;
  const behind = items.slice(at + 1, at + 1 + BOOKED_WITHIN);
  const end = behind.findIndex(({ starts }) => starts);
  if (!behind.slice(0, end < 0 ? undefined : end).some(({ entry }) => BOOKED.has(entry.lemma))) return items;
  return items.with(at, { ...act, word: "reserve", entry: lookUp("reserve") });
}

const WATERS = new Set("river stream creek brook canal".split(" "));
const COURSE = new Set("run pass traverse".split(" "));

/** "The states that a river runs through" as those that it flows through. */
function withCourse(items: readonly Item[]): readonly Item[] {
  if (!items.some(({ entry }) => WATERS.has(entry.lemma))) return items;
  return items.map((item) =>
    COURSE.has(item.entry.lemma) && !item.exact
      ? { ...item, word: item.word.endsWith("s") ? "flows" : "flow", entry: lookUp("flow") }
      : item,
  );
}

/** "The French president" as "the president of France". */
function withCountry(items: readonly Item[]): readonly Item[] {
  let at = 0;
  while (at < items.length && !(DEMONYMS.has(items[at]?.entry.lemma ?? "") && isOfCountry(items[at + 1]))) at += 1;
  if (at === items.length || items[at]?.exact === true) return items;
  let end = at + 2;
  while (isOfCountry(items[end])) end += 1;
  // "The French university system" is another thing.
  if (items[end]?.starts === false) return items;
  const [adjective, first] = [items[at] as Item, items[at + 1] as Item];
  const country = DEMONYMS.get(adjective.entry.lemma) as string;
  const { mark, starts, bound, owners } = adjective;
  return [
    ...items.slice(0, at),
    { ...first, mark, starts, bound: [...bound, ...first.bound], owners: [...owners, ...first.owners] },
    ...items.slice(at + 2, end),
    { ...toItem(country), mark: "of", isName: adjective.isName },
    ...items.slice(end),
  ];
}

function isOfCountry(item: Item | undefined): boolean {
  return item !== undefined && !item.exact && item.mark === "" && !item.starts && OF_COUNTRIES.has(item.entry.lemma);
}

const FROM = new Set(["", "from", "between", "of"]);
const TO = new Set(["to", "from", "and"]);

/** "The distance from A to B" and "how far is B from A" as "the distance between A and B". */
function withDistance({ items, joints }: Phrasing): Phrasing {
  const given = { items, joints };
  if (items[0]?.entry.lemma !== "distance" || items[0].exact) return given;
  const [head, ...rest] = items as readonly [Item, ...Item[]];
  if (rest[0]?.starts !== true || !FROM.has(rest[0].mark)) return given;
  const phrases = rest.flatMap(({ starts }, at) => (starts ? [at] : []));
  const second = rest[phrases[1] ?? -1];
  if (phrases.length !== 2 || second === undefined || !TO.has(second.mark)) return given;
  if (joints.some((joint) => joint !== "and") || joints.length > (second.mark === "and" ? 1 : 0)) return given;
  const marked = rest.map((item, at) =>
    at === 0 ? { ...item, mark: "between" } : item === second ? { ...item, mark: "and" } : item,
  );
  return { items: [head, ...marked], joints: ["and"] };
}

const COMPARISONS = new Set(["compare", "comparison"]);
/** Words on each side of a bare "A vs B", together. */
const BARE_MAX = 4;

/**
 * "Compare A vs B", "A vs B comparison", "compare A with B" as "compare A and B", "A vs B" alone too; "the difference between A vs B" and
 * "define A vs B" with "and".
 */
function withComparison(given: Phrasing, form: Form): Phrasing {
  const { joints } = given;
  const items = withDifferenceFirst(given.items);
  const verb = items.findIndex(({ entry, exact }) => !exact && COMPARISONS.has(entry.lemma));
  const isLast = verb > 0 && verb === items.length - 1 && items[verb]?.mark === "";
  const isCompared = verb === 0 || isLast;
  const fronted = isCompared ? fromComparison(items.toSpliced(verb, 1)) : items;
  const joined = withAnd(fronted, joints, verb === 0 ? new Set(["vs", "with", "to", "against"]) : new Set(["vs"]));
  if (isCompared) return joined;
  if (joined.items === items) return { items, joints };
  if (form === "explain" || items[0]?.entry.lemma === "difference") return joined;
  const isBare = verb < 0 && form === "keywords" && items.length <= BARE_MAX;
  return isBare ? { ...joined, items: [toItem("compare"), ...joined.items] } : { items, joints };
}

/** "A vs B difference" as "the difference between A vs B". */
function withDifferenceFirst(items: readonly Item[]): readonly Item[] {
  const [last, first] = [items.at(-1), items[0]];
  if (last?.entry.lemma !== "difference" || last.exact || last.mark !== "" || first === undefined) return items;
  if (first === last || !items.some(({ mark }) => mark === "vs")) return items;
  return [{ ...last, starts: true }, { ...first, mark: "between", starts: true }, ...items.slice(1, -1)];
}

function fromComparison([first, ...rest]: readonly Item[]): readonly Item[] {
  if (first === undefined) return [toItem("compare")];
  const mark = first.mark === "of" || first.mark === "between" ? "" : first.mark;
  return [toItem("compare"), { ...first, mark, starts: mark !== "" }, ...rest];
}

/** The one phrase that a mark of a comparison begins as the other side of an "and". */
function withAnd(items: readonly Item[], joints: readonly string[], marks: ReadonlySet<string>): Phrasing {
  if (!items.some(({ mark }) => marks.has(mark))) return { items, joints };
  const sides = items.flatMap(({ mark, starts }, at) => (at > 0 && starts && marks.has(mark) ? [at] : []));
  if (sides.length !== 1 || joints.length > 0) return { items, joints };
  return {
    items: items.with(sides[0] as number, { ...(items[sides[0] as number] as Item), mark: "and" }),
    joints: ["and"],
  };
}

/** Nouns that head any phrase before them: "eslint config for a monorepo example". */
const HEADS = new Set([
  "example",
  "pitfall",
  "gotcha",
  "overview",
  "drawback",
  "benefit",
  "symptom",
  "alternative",
  "summary",
]);

/** "Splitting a monolith into services pitfalls" as "pitfalls of splitting a monolith into services". */
function withHead(items: readonly Item[]): readonly Item[] {
  const last = items.at(-1);
  if (last === undefined || items.length < 4 || last.exact || last.mark !== "") return items;
  if (!HEADS.has(last.entry.lemma)) return items;
  const [first, ...rest] = items as readonly [Item, ...Item[]];
  if (last.bound.length > 0 || !rest.some(({ mark }) => mark !== "")) return items;
  return [{ ...last, mark: first.mark, starts: true }, { ...first, mark: "of", starts: true }, ...rest.slice(0, -1)];
}

function toItem(word: string): Item {
  const plain = {
    exact: false,
    isNumber: false,
    isName: false,
    hasSubject: false,
    behindBe: "",
    degree: "",
    mark: "",
    starts: true,
  } as const;
  return { ...plain, word, entry: lookUp(word), bound: [], owners: [] };
}

/** Languages, programs and systems that something is done in or with. */
const TOOLS = new Set(
  (
    "python javascript typescript java kotlin swift ruby perl php golang rust scala julia matlab bash powershell excel sql mysql postgresql sqlite mongodb pandas numpy react angular vue node " +
    "django flask laravel git docker kubernetes linux ubuntu debian windows mac android ios vim emacs vscode photoshop latex ffmpeg jq awk sed curl css html"
  ).split(" "),
);
const IN_TOOL = new Set(["in", "with", "on"]);
const DONE_WITH: ReadonlySet<Form> = new Set(["keywords", "how"]);

/** "Python convert a list" and "convert a list with Python" as "convert a list in Python". */
function withTool(items: readonly Item[], form: Form): readonly Item[] {
  if (!DONE_WITH.has(form) || items.length < 3) return items;
  const tools = items.filter(isTool);
  if (tools.length !== 1) return items;
  const [tool] = tools as [Item];
  const at = items.indexOf(tool);
  if (IN_TOOL.has(tool.mark) && items[at + 1]?.starts !== false)
    return items.map((item) => (item === tool ? { ...item, mark: "in" } : item));
  const act = items[at === 0 ? 1 : 0] as Item;
  if (tool.mark !== "" || !isAct(act) || tool.bound.length > 0) return items;
  const moved = { ...tool, mark: "in", starts: true };
  if (at === 0) return [{ ...act, mark: "", starts: true }, ...items.slice(2), moved];
  return at === items.length - 1 ? [...items.slice(0, -1), moved] : items;
}

function isTool({ exact, degree, entry, owners }: Item): boolean {
  return !exact && degree === "" && owners.length === 0 && TOOLS.has(entry.lemma);
}

/** Verbs that ask for a list, which forms take away. */
const ASKING = new Set("list show find search see display view print get".split(" "));
/** Verbs that are names of tools beside another one. */
const ALSO_TOOLS = new Set("go rust excel express swift spring spark react bash access".split(" "));

/** An instruction's verb in its base form. */
function isAct({ word, entry, exact, mark }: Item): boolean {
  return (
    !exact &&
    mark === "" &&
    word === entry.lemma &&
    entry.parts.includes("v") &&
    !ASKING.has(word) &&
    !ALSO_TOOLS.has(word)
  );
}

const YEAR = /^(?:1[5-9]|20)\d\d$/;
const OF_YEAR = new Set(["", "of", "for"]);

/** "Berlin population 2020" and "for 2020" as "in 2020". */
function withYears(items: readonly Item[]): readonly Item[] {
  if (!items.some(({ isNumber }) => isNumber)) return items;
  return items.map((item, at) => {
    const isLast = items[at + 1]?.starts !== false;
    if (at === 0 || !item.isNumber || !isLast || !OF_YEAR.has(item.mark) || !YEAR.test(item.word)) return item;
    return { ...item, mark: "in", starts: true };
  });
}
