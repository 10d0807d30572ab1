import { carriesOnElsewhere, UNPARTED } from "./follow-up-elsewhere.ts";

/** Words that refer to something mentioned before. */
const PERSONAL = new Set("he she him her his hers they them their theirs it its one ones".split(" "));
const POINTING = new Set("this that these those".split(" "));
const BACKWARD = new Set("again same".split(" "));
/** Words that point back wherever they stand. */
const ALWAYS_BACKWARD = new Set("above aforementioned latter".split(" "));
/** Nouns of time and place for which "this" needs no earlier mention: "this week". */
const SELF_EVIDENT = new Set(
  (
    "week weekend month year morning afternoon evening night summer winter spring autumn fall season quarter century decade time world country planet " +
    "coming past next upcoming semester term christmas easter monday tuesday wednesday thursday friday saturday sunday"
  ).split(" "),
);
/** Verbs after which, and words before which, "that" is a thing mentioned before: "does that take", "translate that to French". */
const AUXILIARIES = new Set(
  "is are was were does did can could will would should shall may might must isn't doesn't didn't".split(" "),
);
const BEHIND_THING = new Set(
  "to into in on for from by with as at again please now instead better work mean".split(" "),
);
/** Words before which "one" is a number, though "the" or "a" precedes: "the number one". */
const NUMBERED = new Set("number plus minus day level chapter type phase version".split(" "));
/** Words that say nothing of their own; a prompt of these alone carries on with something. */
const EMPTY = new Set(
  (
    "a an the and or but so then also too of in on at to for from with by as is are was were be do does did can could would will shall should may might have has had " +
    "i me my you your we us our what which who whom whose when where why how there here not no yes ok okay sure please thanks go on continue more further next tell " +
    "explain show give say do make it shorter longer simpler better first second third last option example elaborate really exactly about if mean means want like " +
    "else any anything something anyone other others another happens happened after afterwards now just only less examples details " +
    "cheaper faster slower bigger smaller larger older younger higher lower taller easier harder newer later earlier closer nearer best worse worst cheapest"
  ).split(" "),
);
/** What says behind "it" what it stands for: "is it safe to eat this", "how long does it take to fly". */
const STANDS_FOR = String.raw`(?: that\b|(?=,? (?:(?:for (?:[\w'’-]+ ){1,6})?to|if|when|while|\w+ing)\b))`;
/** Where or when something is: enough for the weather, a distance and a time. */
const PLACED = String.raw`(?= (?:in|on|at|to|from|for|until|till|outside|today|tonight|tomorrow|now|right)\b)`;
/** "it" without a referent: the time, the weather, possibility. */
const EXPLETIVE = new RegExp(
  String.raw`\b(?:${[
    String.raw`(?:what|how)(?:'s| is| was| does| would| did| will| must)? it (?:be |feel |mean |take |cost |look |seem )?(?:like )?(?:to|for(?= \S+ \S)|when|if|being|having|living|working|dating|going|growing|studying)\b`,
    String.raw`(?:what|how)(?:'s| is| was| does| would) it (?:be |feel )?like(?:${STANDS_FOR}|${PLACED})`,
    "(?:what|which) (?:time|day|date|year|month) (?:is|was|will) it",
    String.raw`how (?:hot|cold|warm|late|early|far|long) (?:is|was|does|will|would|did) it(?: usually| normally| typically| generally)?(?: going to| gonna)?(?:(?: be| takes?| get)?${PLACED}|(?= (?:takes? )?(?:[\w'’-]+ ){0,6}(?:to|before|until|when|if)\b))`,
    String.raw`(?:is|was|will|does|did) it (?:be )?(?:going to )?(?:rain|snow)(?:ing)?\b`,
    String.raw`(?:is|was|will) it (?:be )?(?:going to be )?(?:cold|hot|warm|sunny|windy)${PLACED}`,
    String.raw`(?:is|was|will|does|did|can|could|would) it(?: be| take| cost)?(?: true| safe| possible| legal| illegal| okay| ok| bad| good| better| hard| easy| normal| worth| necessary| dangerous| healthy)?${STANDS_FOR}`,
    String.raw`it(?:'s| is) (?:possible|safe|true)${STANDS_FOR}`,
  ].join("|")})`,
  "i",
);
const CARRIES_ON =
  /^(?:(?:and|or|but|so|then|also|what about|how about|what if|and then|in that case|instead)\b|(?:who|what|where|when|why|how|which) else\b|(?:any|some|no)(?:thing|one|body|where) else[\s?!.]*$|now (?:in|with|without|for|as|using|do|make|try|add|explain|translate|write|give|show|only|just|but|also|the same)\b)/i;
/** A question for a measure or a relation of nothing, and orders to go on: "how long?", "what's the difference?". */
const BARE =
  /^(?:how (?:long|much|many|often|far|old|big|tall|soon|late|fast|deep|high|large|hot|cold|come)|what(?:'s|’s| is| are| were| was) the (?:difference|alternative|reason|advantage|disadvantage|benefit|downside|catch|point|pro|con)s?(?: and cons)?|keep going|go ahead)[\s?!.]*$/i;
/** What is to be done to a text, and in what, but no text: "translate into French". */
const BARE_TASK =
  /^(?:(?:can|could) you )?(?:translate|summari[sz]e|rewrite|rephrase|shorten|simplify|paraphrase|proofread|elaborate|expand)(?: (?:this|that|these|those) [\p{L}'’-]+)?(?: (?:to|into|in|as|for|with) [\p{L}'’-]+(?: [\p{L}'’-]+)?)?[\s?!.]*$/iu;
/** A thing alone: a name, or what begins with a preposition. */
const PREPOSITION = /^(?:in|on|at|for|from|to|with|without|near|by|during|under|over|than|like|of|as|using|against)$/i;
const PART_CHARS_MAX = 60;
const PART_WORDS_MAX = 3;

/**
 * Returns true for a prompt that refers to earlier turns: "how old is he?", "and in Germany?", "make it shorter".
 *
 * After other turns the same words ask for something else; so such a prompt shares no answer unless the earlier turns are compared too.
 * Goes by English word lists, and for short questions by those of {@link carriesOnElsewhere}. Pure, linear.
 */
export function isFollowUp(text: string): boolean {
  const trimmed = text.trim();
  if (CARRIES_ON.test(trimmed) || carriesOnElsewhere(trimmed) || isPart(trimmed)) return true;
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
      if (
        rest[at - 1] !== "now" &&
        said.length < 2 &&
        (said.length === 0 || isThing(rest, at)) &&
        !SELF_EVIDENT.has(rest[at + 1]?.replace(/['’]s$/, "") ?? "")
      )
        return true;
    } else if (BACKWARD.has(word)) {
      if (said.length < 2) return true;
    } else if (PERSONAL.has(word) && !isCount(rest, at) && said.length < 2) {
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

const SHOWN_BEHIND = /^(?:is|are|was|were|all)$/;

/** Returns true for "that" and its like where it stands for a thing; otherwise it begins a clause ("hotels that have a pool"). */
function isThing(words: readonly string[], at: number): boolean {
  const [before, next] = [words[at - 1] ?? "", words[at + 1]];
  // "Which dog is this" asks for what is shown, and "after all that" is a set phrase.
  if (next === undefined) return !SHOWN_BEHIND.test(before);
  return AUXILIARIES.has(before) || BEHIND_THING.has(next);
}

/** "one" is a number, except after a word that selects: "the second one", "that one", "a cheaper one", "any red ones". */
function isCount(words: readonly string[], at: number): boolean {
  const [word = "", before = "", determiner = ""] = [words[at], words[at - 1], words[at - 2]];
  if (!/^ones?$/.test(word)) return false;
  if (/^(?:the|this|that|second|first|last|other|which|another)$/.test(before)) return false;
  const ends = /^(?:in|for|with|without|that|near|than|please|instead)?$/.test(words[at + 1] ?? "");
  return !(ends && /^(?:a|an|the|any|some|another|this|that|each)$/.test(determiner) && !NUMBERED.has(before));
}

/** Returns true for a part of a question: "Spain?", "New York?", "with cheese?", "in Java", "how long?", "translate into French". */
function isPart(text: string): boolean {
  if (text.length > PART_CHARS_MAX) return false;
  if (BARE.test(text) || BARE_TASK.test(text)) return true;
  if (text.split(" ", PART_WORDS_MAX + 2).length > PART_WORDS_MAX + 1) return false;
  const words = text.match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? [];
  const [first = "", ...others] = words;
  if (words.length === 0 || words.length > PART_WORDS_MAX) return false;
  const hasCapital = (word: string) => /^\p{Lu}/u.test(word);
  if (PREPOSITION.test(first)) return others.length > 0 && (/[?？؟]\s*$/u.test(text) || others.every(hasCapital));
  if (!/[?？؟]\s*$/u.test(text) || UNPARTED.test(text)) return false;
  return (
    words.length === 1 || (words.length === 2 && words.every((word) => hasCapital(word) && says(word.toLowerCase())))
  );
}

function isName(word: string, text: string): boolean {
  return text.includes(` ${word.charAt(0).toUpperCase()}${word.slice(1)}`);
}
