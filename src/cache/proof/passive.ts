import type { Clause, Item } from "./clause.ts";
import type { Form } from "./form-rules.ts";
import { CONJUNCTIONS } from "./words/function-words.ts";

/**
 * Converts a passive sentence to an active one: "an onion is being cut by a man" to "a man is cutting an onion", "papers written by X" to
 * "papers X wrote". `undefined` for a sentence without an agent. `asNoun` reads keywords as a described thing: "papers written by X".
 */
export function toActive(clause: Clause, asNoun = false): Clause | undefined {
  const { items, form, tail } = clause;
  const at = items.findIndex(({ mark, starts, isNumber }) => starts && mark === "by" && !isNumber);
  if (at >= 0 && isWhen(items[at] as Item)) return undefined;
  if (at < 0) return form === "who" && tail.includes("by") ? whoDid(clause) : undefined;
  // Phrases may stand between the verb and its agent: "held over his head by a man".
  let verb = at - 1;
  while (verb > 0 && !isParticiple(items[verb] as Item)) verb -= 1;
  if (
    verb < 1 ||
    !isParticiple(items[verb] as Item) ||
    !items.slice(verb + 1, at).every((_, nth) => inPhrase(items, verb + 1 + nth, verb))
  )
    return undefined;
  let end = at + 1;
  while (
    end < items.length &&
    (items[end]?.starts === false || items[end]?.mark === "of") &&
    !WHEN.has(items[end]?.word ?? "")
  )
    end += 1;
  // "How is honey produced by bees" asks how bees produce it.
  const asking = items[0]?.mark ?? "";
  const agent = opened(items.slice(at, end), CONJUNCTIONS.has(asking) ? asking : "", true);
  const [act] = opened([items[verb] as Item], "", false);
  const [subject, between, rest] = [items.slice(0, verb), items.slice(verb + 1, at), items.slice(end)];
  const isFronted = !SUBJECT_FIRST.has(form) && (form !== "keywords" || asNoun);
  const order = isFronted
    ? [...subject, ...agent, act as Item, ...between, ...rest]
    : [...agent, act as Item, ...opened(subject, "", false), ...between, ...rest];
  return { ...clause, items: order };
}

/** Forms whose subject is not in question: "when was it invented by Bell". */
const SUBJECT_FIRST: ReadonlySet<Form> = new Set(["statement", "yesno", "when", "where", "why", "how"] as const);

/** Whether "by" names a time: "by June", "by noon". */
function isWhen({ word, entry, isName }: Item): boolean {
  return WHEN.has(word) || TIMES.has(entry.lemma) || (MONTHS_ALSO_NAMES.has(word) && isName);
}

const TIMES = new Set(
  "monday tuesday wednesday thursday friday saturday sunday january february july september october november december noon midnight midday morning evening afternoon night dawn dusk sunrise sunset tonight end week month year decade century deadline christmas easter weekend summer winter autumn".split(
    " ",
  ),
);
/** Months that are names of people, too: only with a capital. */
const MONTHS_ALSO_NAMES = new Set("march april may june august".split(" "));

/** Words that begin a time after an agent: "taught by Smith last fall". */
const WHEN = new Set("last next yesterday today tomorrow recently now".split(" "));

/** Symmetric relations between two things. */
const SYMMETRIC = new Set(["difference", "distance"]);

/** "Flights between A and B" as those from A to B, in the order in which both are named. */
export function fromBetween(clause: Clause): Clause {
  const at = clause.items.findIndex(({ mark }) => mark === "between");
  const to = clause.items.findIndex(({ mark }, index) => index > at && mark === "and");
  if (at < 0 || to < 0 || SYMMETRIC.has(clause.items[0]?.entry.lemma ?? "")) return clause;
  const joint = clause.joints.indexOf("and");
  return {
    ...clause,
    joints: clause.joints.filter((_, index) => index !== joint),
    items: clause.items.map((item, index) =>
      index === at ? { ...item, mark: "from" } : index === to ? { ...item, mark: "to" } : item,
    ),
  };
}

/** Rewrites "who was it founded by" as "who founded it". */
function whoDid(clause: Clause): Clause | undefined {
  const last = clause.items.at(-1);
  if (last === undefined || !isParticiple(last)) return undefined;
  const rest = clause.items.slice(0, -1);
  return {
    ...clause,
    tail: clause.tail.filter((word) => word !== "by"),
    items: [{ ...last, mark: "", starts: true }, ...opened(rest, "", false)],
  };
}

function isParticiple({ word, entry, exact }: Item): boolean {
  return (
    (!exact &&
      // "Sliced" is a word of its own right, too.
      (entry.lemma !== word || (entry.also.length > 0 && word.endsWith("ed"))) &&
      !word.endsWith("s") &&
      !word.endsWith("ing") &&
      (entry.parts.includes("v") || /(?:ed|en|wn|ne)$/.test(word))) ||
    IRREGULAR_SAME.has(word)
  );
}

const IRREGULAR_SAME = new Set("cut hit hurt put read run set shut split spread written".split(" "));

/** Whether a word stands in a phrase with a preposition that begins behind the verb. */
function inPhrase(items: readonly Item[], at: number, verb: number): boolean {
  let from = at;
  while (from > verb && items[from]?.starts !== true) from -= 1;
  return from > verb && items[from]?.mark !== "";
}

function opened(items: readonly Item[], mark: string, starts: boolean): Item[] {
  return items.map((item, at) => (at === 0 ? { ...item, mark, starts } : item));
}
