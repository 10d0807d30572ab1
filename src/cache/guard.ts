import { isSpoken, read, type Reading } from "./reading.ts";

/** Reason why two similar prompts must not share an answer. */
export type Veto =
  | "question"
  | "number"
  | "unit"
  | "negation"
  | "antonym"
  | "direction"
  | "quoted"
  | "entity"
  | "language"
  | "length";

/**
 * Returns why a stored prompt must not answer the asked one, or `undefined` if no rule objects. Embeddings score "enable 2FA" and "disable
 * 2FA" alike; these rules check what they miss. Symmetric, pure, linear in the texts.
 *
 * @source rules and their precision are measured in docs/roles/cache.md
 */
export function findVeto(asked: string, stored: string): Veto | undefined {
  return createGuard(asked)(stored);
}

/** Prepares a prompt for comparison with several others: it is analysed once. */
export function createGuard(asked: string): (stored: string) => Veto | undefined {
  if (isTooLong(asked)) return () => "length";
  const reading = read(asked);
  return (stored) => (isTooLong(stored) ? "length" : compare(reading, read(stored)));
}

/** Characters of a prompt that is compared by its words. Longer prompts are served by the exact tier alone. */
const COMPARED_CHARS_MAX = 4_096;

/** Returns true if a prompt is too long for comparing its words within a request's share of the event loop. */
export function isTooLong(prompt: string): boolean {
  return prompt.length > COMPARED_CHARS_MAX;
}

/** Compares two analysed prompts. */
export function compare(a: Reading, b: Reading): Veto | undefined {
  // The most frequent veto.
  if (!sameSet(a.numbers(), b.numbers())) return "number";
  if (!holdsAll(b, a.quoted) || !holdsAll(a, b.quoted)) return "quoted";
  if (otherQuestions(a.asks, b.asks)) return "question";
  if (otherUnits(a.units(), b.units())) return "unit";
  if (otherScripts(a.script(), b.script())) return "language";
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
  "git/svn npm/yarn npm/pnpm npm/pip cheapest/expensive lighter/darker brighter/darker lighter/heavier rent/buy buy/rent briefly/detail brief/detailed definition/examples definition/example nearest/cheapest closest/cheapest fastest/cheapest faster/slower taller/shorter longer/shorter more/fewer show/hide single/double merge/rebase commit/revert clone/fork stage/unstage city/country president/minister dog/cat dogs/cats cause/cure causes/symptoms " +
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

/** Words with a before and an after that may not be changed over. "vs" and "between" may. */
const DIRECTIONS = new Set("to into than before after over by against beats".split(" "));

/** A person, a time and a reason are no answer to another question. Ways, places and measures are asked for in many words. */
function otherQuestions(a: string, b: string): boolean {
  if (a === b || a === "" || b === "") return false;
  return [a, b].some((asks) => asks === "who" || asks === "when" || asks === "why");
}

/** A number that is of one unit here and of another there. */
function otherUnits(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return [...a].some(([number, unit]) => b.has(number) && b.get(number) !== unit);
}

function otherScripts(a: string, b: string): boolean {
  return a !== b && a !== "" && b !== "";
}

/** A name on each side that the other text does not hold at all. */
function differentNames(a: Reading, b: Reading): boolean {
  const alone = (one: Reading, other: Reading) => [...one.names()].some((name) => !isSpoken(name, other));
  return alone(a, b) && alone(b, a);
}

export function hasAntonyms(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const word of a) {
    if (b.has(word)) continue;
    for (const opposite of OPPOSITES.get(word) ?? []) if (b.has(opposite) && !a.has(opposite)) return true;
    if (isDenied(word, b, a)) return true;
  }
  return [...b].some((word) => !a.has(word) && isDenied(word, a, b));
}

/** "informal" here and "formal" there, and neither on the other side. */
function isDenied(word: string, other: ReadonlySet<string>, own: ReadonlySet<string>): boolean {
  const [, base] = /^(?:un|in|im|ir|il|non|dis|de)(\p{L}{5,})$/u.exec(word) ?? [];
  return base !== undefined && other.has(base) && !own.has(base);
}

/**
 * Returns true if the words around a direction word are swapped between two texts: "from A to B", "from B to A", "is A older than B". Also
 * if a question of the same words has another order: "does A imply B". Keywords in any order do not count.
 */
export function isTurnedAround(a: Reading, b: Reading): boolean {
  if (sameSet(a.words, b.words) && AUXILIARY.test(a.order[0] ?? "") && a.order[0] === b.order[0]) {
    const [left, right] = [a, b].map(({ order }) => order.filter((word) => !ARTICLE.test(word)).join(" "));
    if (left !== right) return true;
  }
  const [here, there] = [toPlaces(a.order), toPlaces(b.order)];
  for (const word of DIRECTIONS)
    if (a.words.has(word) && b.words.has(word) && changesSides(word, here, there)) return true;
  return false;
}

const AUXILIARY = /^(?:does|do|did|is|are|was|were|can|could|will|would|should|has|have)$/;
const ARTICLE = /^(?:a|an|the)$/;

/** The words of a text without articles, and where each of them stands first. */
interface Places {
  readonly order: readonly string[];
  readonly first: ReadonlyMap<string, number>;
}

function toPlaces(words: readonly string[]): Places {
  const order = words.filter((word) => !ARTICLE.test(word));
  const first = new Map<string, number>();
  for (const [at, word] of order.entries()) if (!first.has(word)) first.set(word, at);
  return { order, first };
}

/** Returns the positions of a direction word that is followed by another word. */
function placesOf(word: string, { order }: Places): number[] {
  return order.flatMap((one, at) => (one === word && at + 1 < order.length ? [at] : []));
}

/**
 * Whether some word behind `word` in one text stands before `word` in the other, and the other way round, and no word stands behind it in
 * both. Linear in the texts: of all places after a position only the one whose following word comes earliest in the other text counts.
 */
function changesSides(word: string, here: Places, there: Places): boolean {
  const [places, otherPlaces] = [placesOf(word, here), placesOf(word, there)];
  const after = (at: number, { order }: Places) => order[at + 1] as string;
  const behindHere = new Set(places.map((at) => after(at, here)));
  if (otherPlaces.some((at) => behindHere.has(after(at, there)))) return false;
  // earliest[p]: the earliest position in the other text of a word that stands behind `word` here, at a place later than p.
  const earliest = new Float64Array(here.order.length + 1).fill(Infinity);
  for (const at of places) earliest[at] = there.first.get(after(at, here)) ?? Infinity;
  for (let at = here.order.length - 1, least = Infinity; at >= 0; at -= 1) {
    const own = earliest[at] as number;
    earliest[at] = least;
    least = Math.min(least, own);
  }
  return otherPlaces.some((at) => {
    const position = here.first.get(after(at, there));
    return position !== undefined && (earliest[position] as number) < at;
  });
}

function holdsAll({ text }: Reading, phrases: ReadonlySet<string>): boolean {
  return [...phrases].every((phrase) => text.includes(phrase));
}

export function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

/** Returns true if two words are antonyms, or one denies the other: "formal", "informal". */
export function areOpposites(a: string, b: string): boolean {
  return (
    OPPOSITES.get(a)?.has(b) === true ||
    isDenied(a, new Set([b]), new Set([a])) ||
    isDenied(b, new Set([a]), new Set([b]))
  );
}
