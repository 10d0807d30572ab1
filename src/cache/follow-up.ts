/** Words that refer to something mentioned before. */
const PERSONAL = new Set("he she him her his hers they them their theirs it its one ones".split(" "));
const POINTING = new Set("this that these those".split(" "));
const BACKWARD = new Set("again same".split(" "));
/** Words that point back wherever they stand. */
const ALWAYS_BACKWARD = new Set("above aforementioned latter".split(" "));
/** Nouns of time and place for which "this" needs no earlier mention: "this week". */
const SELF_EVIDENT = new Set(
  "week weekend month year morning afternoon evening night summer winter spring autumn fall season quarter century decade time world country planet".split(
    " ",
  ),
);
/** Words that say nothing of their own; a prompt of these alone carries on with something. */
const EMPTY = new Set(
  (
    "a an the and or but so then also too of in on at to for from with by as is are was were be do does did can could would will shall should may might have has had " +
    "i me my you your we us our what which who whom whose when where why how there here not no yes ok okay sure please thanks go on continue more further next tell " +
    "explain show give say do make it shorter longer simpler better first second third last option example elaborate really exactly about if mean means want like"
  ).split(" "),
);
/** "it" without a referent: the time, the weather, possibility. */
const EXPLETIVE =
  /\b(?:(?:what|how)(?:'s| is| was| does| would| did| will| must)? it (?:be |feel |mean |take |cost |look |seem )?(?:like )?(?:to|for|when|if|being|having|living|working|dating|going|growing|studying)\b|(?:what|how)(?:'s| is| was| does| would) it (?:be |feel )?like\b|(?:what|which) (?:time|day|date|year|month) (?:is|was|will) it|how (?:hot|cold|warm|late|early|far|long) (?:is|was|does|will|did) it|(?:is|was|will|does|did|can|could|would) it (?:be )?(?:going to )?(?:rain|snow|raining|snowing|cold|hot|warm|sunny|windy|true that|safe|possible|legal|illegal|okay|ok|bad|good|better|hard|easy|normal|worth|necessary|dangerous|healthy|(?:take|cost)(?= to\b))|it(?:'s| is) (?:possible|safe|true that))\b/i;
const CARRIES_ON = /^(?:and|or|but|so|then|also|what about|how about|what if|and then|in that case|instead)\b/i;

/**
 * Returns true for a prompt that refers to earlier turns: "how old is he?", "and in Germany?", "make it shorter".
 *
 * After other turns the same words ask for something else; so such a prompt shares no answer unless the earlier turns are compared too.
 * English; prompts in other languages are only judged by their length. Pure, linear.
 */
export function isFollowUp(text: string): boolean {
  if (CARRIES_ON.test(text.trim())) return true;
  const words = wordsOf(text);
  let [speaks, pointsBack] = [false, false];
  for (const word of words) {
    const mark = MARKS.get(word);
    if (mark !== "empty") pointsBack ||= mark === "points" || ALWAYS_BACKWARD.has(word);
    speaks ||= mark === undefined;
  }
  // Each word is empty, or points at something.
  if (!speaks) return words.length > 0;
  // Most prompts point at nothing.
  if (!pointsBack) return false;
  // Text after a colon, a line end or a quotation mark is what "this" refers to.
  if (/[:\n"“`]\s*\S{2,}/u.test(text)) return false;
  const rest = wordsOf(text.replace(EXPLETIVE, " "));
  const said: string[] = [];
  // Asked for each pronoun, and of at most two words: looked up once for each word.
  const named = new Map<string, boolean>();
  const isNamed = (word: string) => {
    let is = named.get(word);
    if (is === undefined) named.set(word, (is = isName(word, text)));
    return is;
  };
  for (const [at, word] of rest.entries()) {
    if (ALWAYS_BACKWARD.has(word) && (at === rest.length - 1 || at === 0)) return true;
    if (says(word)) said.push(word);
    else if (POINTING.has(word)) {
      if (said.length === 0 && !SELF_EVIDENT.has(rest[at + 1] ?? "")) return true;
    } else if (BACKWARD.has(word)) {
      if (said.length < 2) return true;
    } else if (PERSONAL.has(word) && !isCount(word, rest[at - 1]) && said.length < 2) {
      // "Which one is better, A or B" names its choices.
      if (
        /^ones?$/.test(word) &&
        /^(?:which|what)$/.test(rest[at - 1] ?? "") &&
        rest.slice(at + 1).filter(says).length > 1
      )
        continue;
      if (!said.some(isNamed)) return true;
    }
  }
  return false;
}

/** Words that say nothing of their own: empty ones, and those that point. */
const MARKS: ReadonlyMap<string, "empty" | "points"> = new Map([
  ...[...EMPTY].map((word) => [word, "empty"] as const),
  ...[...PERSONAL, ...POINTING, ...BACKWARD].map((word) => [word, "points"] as const),
]);

const BEYOND_ASCII = /[^\x20-\x7E]/;
const wordsOf = (text: string): readonly string[] =>
  text.toLowerCase().match(BEYOND_ASCII.test(text) ? /[\p{L}\p{N}'’]+/gu : /[a-z0-9']+/g) ?? [];
const says = (word: string) => !MARKS.has(word);

/** "one" is a number, except after a word that selects: "the second one", "that one". */
function isCount(word: string, before: string | undefined): boolean {
  return /^ones?$/.test(word) && !/^(?:the|this|that|second|first|last|other|which|another)$/.test(before ?? "");
}

function isName(word: string, text: string): boolean {
  return text.includes(` ${word.charAt(0).toUpperCase()}${word.slice(1)}`);
}
