import { plainNumber, withNumbers } from "./numbers.ts";
import { withDates } from "./dates.ts";
import { withHabits } from "./habits.ts";
import { isCapital, plain, symbol, type Token } from "./token.ts";
import { BRANDS } from "./words/brands.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";
import { CONTRACTIONS, PHRASES_BY_FIRST, SHORT_FORMS } from "./words/phrases.ts";

const TOKEN =
  /https?:\/\/\S+|(?<=^|\s)[A-Za-z]{2,20}:(?=[^\s/])\S{1,100}|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}|(?<=^|\s)--?[A-Za-z][\w-]*|(?:(?<![\p{L}\p{N}_)\]}"'.+-])-)?\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?(?![\p{L}\p{N}]{0,16}\p{L}\d)|[\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*(?:'\p{L}+)*(?:\.[\p{L}_][\p{L}\p{N}_]*)*(?:\+\+|#(?![\p{L}\p{N}]))?|\S/gu;
/** The same for ASCII without addresses, operators and flags, as most questions are: a third of the time. */
const PLAIN_TOKEN =
  /\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?(?![a-zA-Z0-9]{0,16}[a-zA-Z]\d)|[a-zA-Z_]\w*(?:'[a-zA-Z]+)*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)*(?:\+\+|#(?![a-zA-Z0-9]))?|\S/g;
/** ASCII, and none of the marks that addresses (`:`, `@`) and flags (`-`) cannot be without. */
const IS_PLAIN = /^[ !-,./0-9;-?A-Z[-~\n]*$/;
const IDENTIFIER = /^[A-Za-z]+:\S|_|\p{Ll}\p{Lu}|\p{L}\.\p{L}|\p{L}\d|^--?[A-Za-z]|:\/\/|@|\+\+|#/u;
const STOPS = new Set([
  ",",
  ".",
  "?",
  "!",
  ":",
  ";",
  "(",
  ")",
  "'",
  '"',
  "`",
  "[",
  "]",
  "{",
  "}",
  "-",
  "…",
  "*",
  "|",
  "\\",
]);
const QUOTED = /"([^"]{1,200})"|`([^`]{1,200})`|(?<=^|\s)'([^'\n]{1,100})'(?=[\s.,;:?!)]|$)/g;
/** Stops that count in a sentence with numbers or code: "5 * 3", "a | b". */
const OPERATOR = /^[*|{}[\]\\-]$/;

/** Cuts one sentence, already folded, into tokens: contractions spelled out, expressions of several words as one, numbers as digits. */
export function tokenise(sentence: string): readonly Token[] {
  const quoted = quotedRanges(sentence);
  const capitals = isShouted(sentence);
  const raws: Token[] = [];
  const pattern = IS_PLAIN.test(sentence) ? PLAIN_TOKEN : TOKEN;
  let next = 0;
  for (;;) {
    const end = quoted.length === 0 ? simpleEnd(sentence, next) : next;
    if (end > next) {
      for (const token of wordsOf(sentence.slice(next, end))) raws.push(token);
      next = end + 1;
      continue;
    }
    pattern.lastIndex = next;
    const match = pattern.exec(sentence);
    if (match === null) break;
    const { 0: raw, index } = match;
    next = pattern.lastIndex;
    if (SIMPLE_WORD.test(raw) && (quoted.length === 0 || !isQuoted(quoted, index))) {
      for (const token of wordsOf(raw)) raws.push(token);
      continue;
    }
    pushToken(raws, raw, {
      inQuotes: isQuoted(quoted, index),
      capitals,
      before: sentence[index - 1] ?? " ",
      after: sentence[index + raw.length] ?? " ",
    });
  }
  // The full stop of "u.s." ends nothing.
  const tokens = raws.filter(({ text }, at) => text !== "." || raws[at - 1]?.raw.endsWith(".") !== true);
  const spelled = withHabits(withPhrases(withParticles(withoutDoubles(tokens))));
  return withNumbers(hasNumber(spelled) ? withDates(spelled) : spelled);
}

function hasNumber(tokens: readonly Token[]): boolean {
  for (const { kind } of tokens) if (kind === "number") return true;
  return false;
}

/** Returns the end of a simple word at a position that is followed by a space or the end; the position itself if there is none. */
function simpleEnd(sentence: string, from: number): number {
  for (let at = from; at <= sentence.length; at += 1) {
    const code = at === sentence.length ? SPACE : sentence.charCodeAt(at);
    if (code === SPACE) return at;
    if (!(code >= 97 && code <= 122) && !(at === from && code >= 65 && code <= 90)) return from;
  }
  return from;
}

const SPACE = 0x20;

/** Words that are read alike whatever stands around them. */
const SIMPLE_WORD = /^[A-Za-z]?[a-z]*$/;
/** Tokens of simple words that were read last: most words come again. */
const simpleWords = new Map<string, readonly Token[]>();
const WORDS_MAX = 8_192;
/** Longer ones are not remembered. */
const WORD_CHARS_MAX = 32;

function wordsOf(raw: string): readonly Token[] {
  let found = simpleWords.get(raw);
  if (found === undefined) {
    const made: Token[] = [];
    pushWord(made, raw, false, false);
    if (simpleWords.size >= WORDS_MAX) simpleWords.clear();
    if (raw.length <= WORD_CHARS_MAX) simpleWords.set(raw, made);
    found = made;
  }
  return found;
}

/** Words that a stroke parts from another choice: "yes/no", "and/or". */
const ALTERNATIVE: ReadonlySet<string> = new Set([...FUNCTION_WORDS, "yes"]);

interface Around {
  readonly inQuotes: boolean;
  readonly capitals: boolean;
  readonly before: string;
  readonly after: string;
}

function pushToken(out: Token[], raw: string, { inQuotes, capitals, before, after }: Around): void {
  if (/^-?\d/.test(raw)) {
    out.push({ text: plainNumber(raw), raw, kind: "number", exact: true, owner: false });
    return;
  }
  if (/^[\p{L}_]|^--?[A-Za-z]/u.test(raw)) {
    pushWord(out, raw, inQuotes, capitals);
    return;
  }
  if (raw === "&") out.push(plain("and"));
  else if (raw === "%") out.push(plain("percent"));
  else if (raw === "→") out.push(plain("to"));
  else if (raw === "°" && /[cf]/i.test(after)) return;
  else if (raw === "/" && /[a-z]/i.test(before) && /[a-z]/i.test(after) && !ALTERNATIVE.has(out.at(-1)?.text ?? ""))
    out.push({ text: raw, raw, kind: "stop", exact: false, owner: false });
  else if (raw === "$" || raw === "€" || raw === "£") out.push(symbol(raw));
  else if (STOPS.has(raw)) {
    const isOperator =
      OPERATOR.test(raw) &&
      ((before === " " && after === " ") ||
        (raw === "-" ? isSign(out.at(-1)?.raw ?? "", before, after) : /[\d\w)]/.test(before) && /\d/.test(after)));
    out.push(isOperator ? symbol(raw) : { text: raw, raw, kind: "stop", exact: false, owner: false });
  } else out.push(symbol(raw));
}

/** Whether a hyphen is a sign: "-$5", "-(2)", and the grade "B-" or the ion "Cl-", where nothing follows. */
function isSign(word: string, before: string, after: string): boolean {
  if (/[\s([,=]/.test(before)) return /[$€£(√]/.test(after);
  return /^(?:[A-Z][a-z]?|AB)$/.test(word) && before !== " " && /[\s.,;:?!)\]"'`]/.test(after);
}

function pushWord(out: Token[], raw: string, inQuotes: boolean, capitals: boolean): void {
  const lower = raw.toLowerCase();
  const contracted = CONTRACTIONS.get(lower);
  if (contracted !== undefined && !inQuotes) {
    for (const word of contracted) out.push(plain(word));
    return;
  }
  const owner = lower.endsWith("'s");
  const bare = owner ? raw.slice(0, -2) : raw;
  const dotted = /^(?:\p{L}\.)+\p{L}$/u.test(bare);
  if (dotted) {
    out.push({ text: bare.toLowerCase(), raw: `${bare}.`, kind: "word", exact: false, owner });
    return;
  }
  const exact = inQuotes || (IDENTIFIER.test(bare) && !/^\p{L}+\.js$/iu.test(bare) && !BRANDS.has(lower));
  if (exact && !inQuotes) {
    out.push({ text: bare, raw: bare, kind: "word", exact: true, owner });
    return;
  }
  let text = bare.toLowerCase().replaceAll("'", "");
  if (text.endsWith(".js")) text = text.slice(0, -3);
  // "US", "IT" and "WHO" are names where not everything is in capitals.
  if (!capitals && CAPITALS_MATTER.has(bare)) text = bare === "US" ? "usa" : `${text}_name`;
  text = SHORT_FORMS.get(text) ?? text;
  out.push({ text, raw: bare, kind: "word", exact, owner });
}

const CAPITALS_MATTER = new Set(["US", "IT", "WHO"]);

function quotedRanges(sentence: string): [number, number][] {
  if (!/["'`]/.test(sentence)) return [];
  return [...sentence.matchAll(QUOTED)].map((match) => [match.index, match.index + match[0].length]);
}

function isQuoted(quoted: readonly (readonly [number, number])[], at: number): boolean {
  return quoted.some(([from, to]) => at >= from && at < to);
}

/** Whether most letters are capitals: then they mean nothing. */
function isShouted(sentence: string): boolean {
  // Only names in capitals ask for it.
  if (!/US|IT|WHO/.test(sentence)) return false;
  const capitals = sentence.match(/\p{Lu}/gu)?.length ?? 0;
  const small = sentence.match(/\p{Ll}/gu)?.length ?? 0;
  return capitals > small;
}

/** A common word that was typed twice in a row: "the task task". */
function withoutDoubles(tokens: readonly Token[]): readonly Token[] {
  let at = 1;
  while (at < tokens.length && tokens[at]?.text !== tokens[at - 1]?.text) at += 1;
  if (at >= tokens.length) return tokens;
  return tokens.filter((token, index) => {
    const before = tokens[index - 1];
    if (before?.text !== token.text || token.kind !== "word" || token.exact || before.exact) return true;
    return FUNCTION_WORDS.has(token.text) || isCapital(token.raw) || isCapital(before.raw) || DOUBLED.has(token.text);
  });
}

/** Words that change their meaning when doubled. */
const DOUBLED = new Set(
  "knock bye night yo tuk chop win bora walla pago duran sing can ha hey ping ding blah choo pom dum cha tom woof beep tick puff hush tut ho is had aye mahi couscous nom talk so dik goody wee ta agar beri ylang".split(
    " ",
  ),
);

const PARTED = new Set(
  "turn turns turned turning switch switched switching log logged sign signed shut shutting".split(" "),
);
const PARTICLE = /^(?:on|off|up|down|in|out)$/;
/** Words between a verb and its particle, at most. */
const PARTED_MAX = 4;

/** "Turn the light off" as "turn off the light". */
function withParticles(tokens: readonly Token[]): readonly Token[] {
  const verb = tokens.findIndex(({ text, kind }) => kind === "word" && PARTED.has(text));
  if (verb < 0 || PARTICLE.test(tokens[verb + 1]?.text ?? "")) return tokens;
  for (let at = verb + 2; at <= verb + 1 + PARTED_MAX && at < tokens.length; at += 1) {
    const next = tokens[at + 1];
    if (
      !PARTICLE.test(tokens[at]?.text ?? "") ||
      (next !== undefined && next.kind !== "stop" && next.text !== "please")
    )
      continue;
    return [...tokens.slice(0, verb + 1), tokens[at] as Token, ...tokens.slice(verb + 1, at), ...tokens.slice(at + 1)];
  }
  return tokens;
}

/** Spells expressions of several words as one. */
function withPhrases(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    const phrase =
      token.kind === "word" && !token.exact
        ? PHRASES_BY_FIRST.get(token.text)?.find(([words]) => matches(tokens, at, words))
        : undefined;
    if (phrase === undefined) {
      out.push(token);
      continue;
    }
    const [words, replacement] = phrase;
    const last = tokens[at + consumed(tokens, at, words) - 1] as Token;
    replacement.forEach((word, index) =>
      out.push({ ...plain(word), owner: index === replacement.length - 1 && last.owner }),
    );
    at += consumed(tokens, at, words) - 1;
  }
  return out;
}

/** Hyphens between the words of an expression do not matter. */
function matches(tokens: readonly Token[], at: number, words: readonly string[]): boolean {
  let index = at;
  for (const [nth, word] of words.entries()) {
    if (nth > 0 && tokens[index]?.text === "-") index += 1;
    const token = tokens[index];
    if (token?.text !== word || token.exact) return false;
    index += 1;
  }
  return true;
}

function consumed(tokens: readonly Token[], at: number, words: readonly string[]): number {
  let index = at;
  for (const [nth] of words.entries()) {
    if (nth > 0 && tokens[index]?.text === "-") index += 1;
    index += 1;
  }
  return index - at;
}
