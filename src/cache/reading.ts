import { dropOldest } from "../internal/drop-oldest.ts";

/** An analysed prompt, for the guard and the verifier. */
export interface Reading {
  readonly text: string;
  readonly words: ReadonlySet<string>;
  /** Words, and acronyms that the first letters of several words spell. */
  readonly spoken: () => ReadonlySet<string>;
  readonly order: readonly string[];
  readonly quoted: ReadonlySet<string>;
  readonly names: () => ReadonlySet<string>;
  /** Numbers, number words, days, months and other times. */
  readonly numbers: () => ReadonlySet<string>;
  readonly negations: number;
  /** Units of numbers: "5" -> "km". */
  readonly units: () => ReadonlyMap<string, string>;
  /** Kind of the question, by its question word: who, when, why, where, how, or the measure after "how". */
  readonly asks: string;
  /** Script of most of its letters. */
  readonly script: () => string;
}

const WORDS = /[\p{L}\p{N}][\p{L}\p{N}'’_+#.]*/gu;
const NUMBERS = /\d+(?:[.,:/]\d+)*/g;
/** Search operators; their operands are taken literally. */
const OPERATORS = /\b[a-z]+:(?=[^\s/])\S+/gi;
const QUOTED = /"([^"]{1,200})"|“([^”]{1,200})”|`([^`]{1,200})`/g;
/** Names in code: with an underscore, an inner capital, or a dot between letters; error codes; file paths. */
const IDENTIFIERS =
  /\b(?:\w+_\w+|[a-z]+[A-Z]\w*|[A-Z]{2,}\d+|\w+\.(?:js|ts|py|go|rs|java|csv|json|xml|yaml|html|css|sql))\b|(?<=\s)--?[a-zA-Z][\w-]*/g;

/** Recently read prompts: one prompt is compared with several, and popular ones return. */
const readings = new Map<string, Reading>();
const READINGS_MAX = 128;
/** Longer ones are not remembered. */
const REMEMBERED_CHARS_MAX = 1_024;

/** Reads a prompt once for all comparisons; parts are computed on demand. */
export function read(given: string): Reading {
  const known = readings.get(given);
  if (known !== undefined) return known;
  const reading = readAnew(given);
  if (given.length > REMEMBERED_CHARS_MAX) return reading;
  readings.set(given, reading);
  dropOldest(readings, READINGS_MAX);
  return reading;
}

function readAnew(given: string): Reading {
  const text = plain(given);
  const order = wordsOf(text);
  const words = new Set(order);
  const lower = text.toLowerCase();
  return {
    text: ` ${/[_-]/.test(lower) ? lower.replaceAll(/[_-]/g, " ") : lower} `,
    words,
    spoken: once(() => new Set([...order, ...initialsOf(order)])),
    order,
    quoted: quotedIn(text),
    names: once(() => namesOf(text)),
    numbers: once(() => numbersIn(text, order)),
    negations: order.reduce((count, word) => (NEGATIONS.has(word) ? count + 1 : count), 0),
    units: once(() => (/\d/.test(text) ? unitsOf(text) : NO_UNITS)),
    script: once(() => scriptOf(text)),
    asks: asksFor(order),
  };
}

function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => (done ??= { value: work() }).value;
}

const NO_UNITS: ReadonlyMap<string, string> = new Map();
const NONE: ReadonlySet<string> = new Set();
/** Quotations, identifiers and operators need one of these. */
const SPECIAL = /["“`_:-]|\p{Ll}\p{Lu}|\p{Lu}{2}\d|\p{L}\.\p{L}/u;

function quotedIn(text: string): ReadonlySet<string> {
  if (!SPECIAL.test(text)) return NONE;
  const phrases = [
    ...[...text.matchAll(QUOTED)].map((match) => match[1] ?? match[2] ?? match[3] ?? ""),
    ...(text.match(IDENTIFIERS) ?? []),
    ...(text.match(OPERATORS) ?? []),
  ];
  return new Set(phrases.map((phrase) => phrase.toLowerCase().replaceAll(/[_-]/g, " ")));
}

const MEASURE =
  /^(?:many|much|long|far|old|tall|high|big|often|large|deep|fast|hard|hot|cold|dense|expensive|heavy|wide)$/;

function asksFor(order: readonly string[]): string {
  for (const [at, word] of order.entries()) {
    if (word === "how" && MEASURE.test(order[at + 1] ?? "")) return order[at + 1] as string;
    if (word === "how" || word === "why" || word === "where" || word === "when" || word === "who") return word;
  }
  return "";
}

/** Normalises alternative spellings: "does not work" is broken, a framework's ".js" is not a file. */
function plain(text: string): string {
  if (!UNUSUAL.test(text)) return text;
  return text
    .replaceAll('\\"', '"')
    .replaceAll(/\bk8s\b/gi, "kubernetes")
    .replaceAll(/\b(mon|tues|wednes|thurs|fri|satur|sun)days\b/gi, "$1day")
    .replaceAll(BROKEN, "broken")
    .replaceAll(/\b(node|next|vue|nuxt|express|nest|three|d3|react|angular)\.js\b/gi, "$1");
}

const BROKEN =
  /\b(?:not|isn['’]t|aren['’]t|doesn['’]t|won['’]t|does not|do not|don['’]t) (?:working|work|loading|load|responding|respond|found)\b/gi;
/** The replacements above need one of these. */
const UNUSUAL = /\\"|k8s|days\b|\.js\b|(?:not|n['’]t) (?:work|load|respond|found)/i;

/** Short forms that are as common as the long ones. */
const ALIASES = new Map(
  (
    "js:javascript ts:typescript py:python golang:go k8s:kubernetes postgres:postgresql mongo:mongodb db:database dbs:databases repo:repository " +
    "macos:mac osx:mac app:application apps:applications auth:authentication config:configuration docs:documentation info:information " +
    "pic:picture pics:pictures photo:picture photos:pictures corp:corporation inc:incorporated dept:department govt:government mum:mother mom:mother " +
    "dad:father kids:children kid:child tv:television phd:doctorate vs:versus temp:temperature max:maximum min:minimum avg:average approx:approximately " +
    "usa:us kilometre:kilometer kilometres:kilometers colour:color favourite:favorite centre:center " +
    "french:france german:germany spanish:spain italian:italy dutch:netherlands swiss:switzerland polish:poland greek:greece turkish:turkey swedish:sweden " +
    "danish:denmark finnish:finland norwegian:norway irish:ireland scottish:scotland british:britain english:england portuguese:portugal austrian:austria " +
    "belgian:belgium czech:czechia hungarian:hungary romanian:romania russian:russia ukrainian:ukraine chinese:china japanese:japan korean:korea " +
    "indian:india thai:thailand vietnamese:vietnam american:america canadian:canada mexican:mexico brazilian:brazil argentine:argentina " +
    "egyptian:egypt moroccan:morocco nigerian:nigeria kenyan:kenya australian:australia israeli:israel iranian:iran iraqi:iraq pakistani:pakistan"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(WORDS) ?? []).map((word) => {
    const bare = word.replace(/['’]s$/, "").replaceAll(/['’.]/g, "");
    return ALIASES.get(bare) ?? ALIASES.get(bare.replace(/s$/, "")) ?? bare;
  });
}

/** Returns the initials of two to four consecutive words: "united states" is "us". */
function initialsOf(order: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < order.length; at += 1) {
    for (let length = 2; length <= 4 && at + length <= order.length; length += 1)
      found.push(
        order
          .slice(at, at + length)
          .map((word) => word[0])
          .join(""),
      );
  }
  return found;
}

function numbersIn(text: string, order: readonly string[]): ReadonlySet<string> {
  const numbers = new Set((text.match(NUMBERS) ?? []).map(plainNumber));
  for (const [at, word] of order.entries()) {
    // "the first 10" is ten.
    const next = order[at + 1] ?? "";
    if (word === "first" && (/^\d/.test(next) || NUMBER_WORDS.has(next))) continue;
    if (RELATIVE.test(word) && PERIOD.test(next)) numbers.add(`${word} ${next}`);
    const value = NUMBER_WORDS.get(word);
    if (value !== undefined) numbers.add(value);
  }
  return numbers;
}

const RELATIVE = /^(?:last|next|this|past|previous)$/;
const PERIOD = /^(?:day|night|week|weekend|month|quarter|year|decade|century|spring|summer|autumn|winter|season)$/;
const UNITS = new Map(
  (
    "$:dollar usd:dollar dollar:dollar €:euro eur:euro euro:euro £:pound-sterling gbp:pound-sterling ¥:yen jpy:yen yen:yen %:percent percent:percent " +
    "km:kilometer kilometer:kilometer kilometre:kilometer mi:mile mile:mile m:meter meter:meter metre:meter cm:centimeter centimeter:centimeter mm:millimeter ft:foot foot:foot " +
    "feet:foot inch:inch inches:inch yard:yard kg:kilogram kilo:kilogram kilogram:kilogram g:gram gram:gram mg:milligram lb:pound lbs:pound pound:pound oz:ounce ounce:ounce " +
    "l:liter liter:liter litre:liter ml:milliliter cup:cup gallon:gallon pint:pint °c:celsius celsius:celsius °f:fahrenheit fahrenheit:fahrenheit " +
    "s:second sec:second second:second min:minute minute:minute h:hour hr:hour hour:hour day:day week:week month:month year:year gb:gigabyte mb:megabyte tb:terabyte kb:kilobyte " +
    "am:am pm:pm"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);

/** The unit of each number: the sign before it, or the word after it. */
function unitsOf(text: string): ReadonlyMap<string, string> {
  const units = new Map<string, string>();
  for (const [, sign, number = "", word] of text
    .toLowerCase()
    .matchAll(/([$€£¥])?\s?(\d+(?:[.,]\d+)*)[\s-]?(°[cf]|%|[a-z]+)?/g)) {
    const after = word === undefined ? undefined : (UNITS.get(word) ?? UNITS.get(word.replace(/s$/, "")));
    const unit = sign === undefined ? after : UNITS.get(sign);
    if (unit !== undefined) units.set(plainNumber(number), unit);
  }
  return units;
}

const SCRIPTS = [
  ["latin", /\p{Script=Latin}/gu],
  ["cyrillic", /\p{Script=Cyrillic}/gu],
  ["greek", /\p{Script=Greek}/gu],
  ["arabic", /\p{Script=Arabic}/gu],
  ["hebrew", /\p{Script=Hebrew}/gu],
  ["devanagari", /\p{Script=Devanagari}/gu],
  ["thai", /\p{Script=Thai}/gu],
  ["hangul", /\p{Script=Hangul}/gu],
  ["han", /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu],
] as const;
// oxlint-disable-next-line no-control-regex -- ASCII is asked for, control characters included
const ASCII = /^[\x00-\x7F]*$/;

function scriptOf(text: string): string {
  if (ASCII.test(text)) return /[a-z]/i.test(text) ? "latin" : "";
  const counted = SCRIPTS.map(([name, letters]) => ({ name, count: text.match(letters)?.length ?? 0 }));
  const most = counted.reduce((best, one) => (one.count > best.count ? one : best));
  return most.count === 0 ? "" : most.name;
}

/** Normalises a number: 1,000 is 1000 and 2.50 is 2.5, but 10:30 is unchanged. */
function plainNumber(text: string): string {
  const joined = /^\d{1,3}(?:,\d{3})+$/.test(text) ? text.replaceAll(",", "") : text;
  return /^\d+(?:\.\d+)?$/.test(joined) ? String(Number(joined)) : joined;
}

const QUESTION_WORD =
  /^(?:what|who|where|when|how|why|which|it|that|this|there|here|he|she|let|today|tomorrow|yesterday)$/i;

/** Capitalised words that do not start a sentence. Text all in one case has none. */
function namesOf(text: string): ReadonlySet<string> {
  const words = [...text.matchAll(/(^|[.!?]\s+|\s|["“(])(\p{Lu}[\p{L}\p{N}]+)/gu)];
  const inner = words.filter((match) => match[1] !== "" && !/[.!?]/.test(match[1] ?? ""));
  const capitals = text.match(/\b\p{Lu}/gu)?.length ?? 0;
  const total = text.match(/\b\p{L}/gu)?.length ?? 1;
  // In a title every word is capitalised, and in capitals every letter: then capitals mean nothing.
  if (capitals / total > 0.7) return new Set();
  // A possessive is a name wherever it stands: "Mozart's works".
  const owners = [...text.matchAll(/(?:^|[\s"“(])(\p{Lu}[\p{L}\p{N}]+)['’]s\b/gu)].filter(
    (match) => !QUESTION_WORD.test(match[1] ?? ""),
  );
  const names = [...inner.map((match) => match[2] ?? ""), ...owners.map((match) => match[1] ?? "")];
  return new Set(names.map((name) => name.toLowerCase()).map((name) => ALIASES.get(name) ?? name));
}

/** Returns true if a text contains a name, in singular or plural. */
export function isSpoken(name: string, reading: Reading): boolean {
  const spoken = reading.spoken();
  return spoken.has(name) || spoken.has(`${name}s`) || spoken.has(name.replace(/s$/, ""));
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
  // "Newest" means "current".
  ["now", "now"],
  ["latest", "now"],
  ["newest", "now"],
  ["recent", "now"],
  ["current", "now"],
  ["currently", "now"],
] as const) {
  NUMBER_WORDS.set(word, String(value));
}
// "one" is mostly a pronoun and "second" mostly a unit: as words they say nothing about numbers.
NUMBER_WORDS.delete("one");
NUMBER_WORDS.delete("second");

const NEGATIONS = new Set(
  "not no never without cannot none neither nor cant dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent hadnt except avoid unable impossible lack lacking".split(
    " ",
  ),
);
