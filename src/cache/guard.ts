/** Why two prompts that look alike must not share an answer. */
export type Veto = "number" | "negation" | "antonym" | "direction" | "quoted" | "entity" | "length";

/**
 * Says why a stored prompt must not answer the one asked, or `undefined` when words give no reason against it. Embeddings
 * score "enable 2FA" and "disable 2FA" alike; this looks at what they miss. Symmetric, pure, linear in the texts.
 *
 * @source rules and their precision are measured in docs/roles/cache.md
 */
export function findVeto(asked: string, stored: string): Veto | undefined {
  return createGuard(asked)(stored);
}

/** The same for one prompt that is held against several: it is read once. */
export function createGuard(asked: string): (stored: string) => Veto | undefined {
  const numbers = numbersOf(asked);
  let reading: Reading | undefined;
  return (stored) => {
    // The most frequent veto, and the cheapest to find.
    if (!sameSet(numbers, numbersOf(stored))) return "number";
    return compare((reading ??= read(asked)), read(stored));
  };
}

function compare(a: Reading, b: Reading): Veto | undefined {
  if (!holdsAll(b, a.quoted) || !holdsAll(a, b.quoted)) return "quoted";
  if (a.negations % 2 !== b.negations % 2) return "negation";
  if (hasAntonyms(a.words, b.words)) return "antonym";
  if (isTurnedAround(a, b)) return "direction";
  if (differentNames(a, b)) return "entity";
  const [short, long] = [a.words.size, b.words.size].toSorted((x, y) => x - y) as [number, number];
  if (long > LENGTH_FROM_WORDS && long > short * LENGTH_RATIO_MAX) return "length";
  return undefined;
}

/** Two prompts may differ in length by this factor, once the longer has this many words. */
const LENGTH_RATIO_MAX = 2.5;
const LENGTH_FROM_WORDS = 10;

interface Reading {
  readonly text: string;
  readonly words: ReadonlySet<string>;
  readonly order: readonly string[];
  readonly quoted: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  readonly negations: number;
}

const NUMBER_WORDS = new Map(
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
    .split(" ")
    .map((word, value) => [word, String(value)] as const),
);
for (const [word, value] of [
  ["thirty", 30],
  ["forty", 40],
  ["fifty", 50],
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1_000_000],
  ["first", 1],
  ["second", 2],
  ["third", 3],
  ["half", 0.5],
  ["monday", "mon"],
  ["tuesday", "tue"],
  ["wednesday", "wed"],
  ["thursday", "thu"],
  ["friday", "fri"],
  ["saturday", "sat"],
  ["sunday", "sun"],
  ["january", "jan"],
  ["february", "feb"],
  ["march", "mar"],
  ["april", "apr"],
  ["june", "jun"],
  ["july", "jul"],
  ["august", "aug"],
  ["september", "sep"],
  ["october", "oct"],
  ["november", "nov"],
  ["december", "dec"],
  ["today", "today"],
  ["tomorrow", "tomorrow"],
  ["yesterday", "yesterday"],
  ["now", "now"],
  ["latest", "latest"],
  ["current", "now"],
  ["currently", "now"],
] as const) {
  NUMBER_WORDS.set(word, String(value));
}
// "one" is mostly a pronoun and "second" mostly a unit: as words they say nothing about numbers.
NUMBER_WORDS.delete("one");
NUMBER_WORDS.delete("second");

const NEGATIONS = new Set(
  "not no never without cannot none neither nor cant dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent hadnt except avoid unable impossible lack lacking stop fail fails failed".split(
    " ",
  ),
);

const ANTONYMS = (
  "enable/disable on/off start/stop open/close increase/decrease buy/sell add/remove add/subtract include/exclude allow/deny allow/block " +
  "accept/reject accept/decline lock/unlock login/logout install/uninstall upload/download import/export push/pull encode/decode " +
  "encrypt/decrypt compress/decompress serialize/deserialize connect/disconnect subscribe/unsubscribe activate/deactivate max/min " +
  "maximum/minimum highest/lowest largest/smallest biggest/smallest best/worst most/least more/less first/last before/after above/below " +
  "over/under up/down left/right in/out high/low hot/cold warm/cold fast/slow cheap/expensive good/bad pros/cons benefits/risks " +
  "benefits/drawbacks advantages/disadvantages advantage/disadvantage ascending/descending asc/desc early/late earliest/latest oldest/newest " +
  "old/new young/old long/short big/small large/small light/dark day/night male/female men/women man/woman husband/wife north/south east/west " +
  "public/private legal/illegal safe/dangerous safe/unsafe true/false win/lose lend/borrow send/receive give/take rise/fall raise/lower gain/lose " +
  "arrive/depart arrival/departure deposit/withdraw income/expense profit/loss debit/credit credit/charge refund/charge create/delete create/destroy " +
  "insert/delete read/write input/output client/server frontend/backend sync/async synchronous/asynchronous static/dynamic mutable/immutable " +
  "vertical/horizontal upgrade/downgrade hire/fire strong/weak rich/poor positive/negative internal/external domestic/international " +
  "inner/outer hide/show pass/fail remember/forget love/hate like/dislike happy/sad easy/hard easy/difficult simple/complex full/empty wet/dry " +
  "breakfast/dinner lunch/dinner breakfast/lunch morning/evening morning/night summer/winter spring/autumn minute/hour celsius/fahrenheit miles/kilometers " +
  "python/javascript python/java java/javascript mac/windows linux/windows mac/linux ios/android iphone/android postgres/mysql mongodb/mysql " +
  "git/svn npm/yarn npm/pip merge/rebase commit/revert clone/fork stage/unstage city/country president/minister dog/cat dogs/cats cause/cure causes/symptoms " +
  "symptoms/treatment causes/treatment prevent/cause define/example weight/height length/width cancel/book cancel/renew renew/expire"
).split(" ");

const OPPOSITES = new Map<string, Set<string>>();
for (const pair of ANTONYMS) {
  const [left = "", right = ""] = pair.split("/");
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const known = OPPOSITES.get(one);
    if (known === undefined) OPPOSITES.set(one, new Set([other]));
    else known.add(other);
  }
}

const DIRECTIONS = new Set("to from into than before after over by versus vs against beats between".split(" "));
const WORDS = /[\p{L}\p{N}][\p{L}\p{N}'’_+#.]*/gu;
const NUMBERS = /\d+(?:[.,:/]\d+)*/g;
const QUOTED = /"([^"]{1,200})"|“([^”]{1,200})”|`([^`]{1,200})`/g;
/** Names in code: with an underscore, a capital inside, or a dot between letters; error codes; file paths. */
const IDENTIFIERS =
  /\b(?:\w+_\w+|[a-z]+[A-Z]\w*|[A-Z]{2,}\d+|\w+\.(?:js|ts|py|go|rs|java|csv|json|xml|yaml|html|css|sql))\b|(?<=\s)--?[a-zA-Z][\w-]*/g;

function read(text: string): Reading {
  const order = wordsOf(text);
  return {
    text: text.toLowerCase(),
    words: new Set(order),
    order,
    quoted: new Set([
      ...[...text.matchAll(QUOTED)].map((match) => (match[1] ?? match[2] ?? match[3] ?? "").toLowerCase()),
      ...(text.match(IDENTIFIERS) ?? []).map((name) => name.toLowerCase()),
    ]),
    names: namesOf(text),
    negations: order.filter((word) => NEGATIONS.has(word)).length,
  };
}

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(WORDS) ?? []).map((word) => word.replaceAll(/['’.]/g, ""));
}

function numbersOf(text: string): ReadonlySet<string> {
  const numbers = new Set((text.match(NUMBERS) ?? []).map(plainNumber));
  for (const word of wordsOf(text)) {
    const value = NUMBER_WORDS.get(word);
    if (value !== undefined) numbers.add(value);
  }
  return numbers;
}

/** 1,000 is 1000 and 2.50 is 2.5, but 10:30 stays what it is. */
function plainNumber(text: string): string {
  const joined = /^\d{1,3}(?:,\d{3})+$/.test(text) ? text.replaceAll(",", "") : text;
  return /^\d+(?:\.\d+)?$/.test(joined) ? String(Number(joined)) : joined;
}

/** Capitalised words that do not start a sentence. Text all in one case has none. */
function namesOf(text: string): ReadonlySet<string> {
  const words = [...text.matchAll(/(^|[.!?]\s+|\s|["“(])(\p{Lu}[\p{L}\p{N}]+)/gu)];
  const inner = words.filter((match) => match[1] !== "" && !/[.!?]/.test(match[1] ?? ""));
  const capitals = text.match(/\b\p{Lu}/gu)?.length ?? 0;
  const total = text.match(/\b\p{L}/gu)?.length ?? 1;
  // In a title every word is capitalised, and in capitals every letter: then capitals mean nothing.
  if (capitals / total > 0.7) return new Set();
  return new Set(inner.map((match) => (match[2] ?? "").toLowerCase()));
}

/** A name on each side that the other text does not hold at all. */
function differentNames(a: Reading, b: Reading): boolean {
  const alone = (one: Reading, other: Reading) => [...one.names].some((name) => !other.words.has(name));
  return alone(a, b) && alone(b, a);
}

function hasAntonyms(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const word of a) {
    if (b.has(word)) continue;
    for (const opposite of OPPOSITES.get(word) ?? []) if (b.has(opposite) && !a.has(opposite)) return true;
  }
  return false;
}

/** The same words around a direction word, with the words on its two sides changed over: "from A to B", "from B to A". */
function isTurnedAround(a: Reading, b: Reading): boolean {
  if (a.words.size !== b.words.size || ![...a.words].every((word) => b.words.has(word))) return false;
  for (const word of a.words) {
    if (!DIRECTIONS.has(word)) continue;
    const [left, right] = [a, b].map(({ order }) => order[order.indexOf(word) + 1]) as [string?, string?];
    const [leftBefore, rightBefore] = [a, b].map(({ order }) => order[order.indexOf(word) - 1]) as [string?, string?];
    if (left !== right && leftBefore !== rightBefore) return true;
  }
  return false;
}

function holdsAll({ text }: Reading, phrases: ReadonlySet<string>): boolean {
  return [...phrases].every((phrase) => text.includes(phrase));
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
