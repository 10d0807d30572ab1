import { lookUp } from "./lexicon.ts";
import { sameList } from "./same-list.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";
import { PHRASES_BY_FIRST } from "./words/phrases.ts";

/** Names in a sentence that are more than their words: paths, hosts, handles, tags, packages, and words with hyphens. */
export interface CodeNames {
  /** Names that the other sentence must have to the letter: "/etc/hosts", "@cats", "for..in". */
  readonly exact: readonly string[];
  /** Names of words, with spaces between them, that the other sentence must have as they are: "x request id". */
  readonly spaced: readonly string[];
  /** Expressions of English with hyphens, whose words must have their own base form in the other sentence: "part time". */
  readonly compounds: readonly string[];
  readonly sentence: string;
}

const COMMANDS =
  "(?:pip3?|pipx|npm|pnpm|yarn|bun|apt|apt-get|brew|cargo|gem|composer|conda|dnf|yum|nuget|choco|poetry|uv) (?:install|uninstall|add|get|i|remove|upgrade|require)|" +
  "(?:docker|podman) (?:pull|push|run|exec|rm|rmi|start|stop)|git (?:checkout|switch|clone)|systemctl (?:start|stop|restart|enable|disable|status)";
/** A command, and the name behind it. */
const COMMAND = new RegExp(`(?<![\\p{L}\\p{N}])(?:${COMMANDS})(?: -[\\p{L}-]+)* ([\\p{L}_][\\p{L}\\p{N}_./-]*)`, "giu");
/** Words behind a command that are no name. */
const NO_NAME =
  /^(?:(?:fail|error|command|hang|problem|work|issue|take|package|branch|repo|container|image|file|script|permission|warning|option|flag)\w*|stuck|slow|slowly|vs|data|globally|locally|denied)$/;
/** Words beside which words with hyphens are a name. */
const IN_CODE =
  /\b(?:commands?|headers?|endpoints?|apis?|packages?|branch|branches|flags?|cli|scripts?|modules?|plugins?|buckets?|repos?|repository|attributes?|property|namespaces?|pods?|urls?|hosts?|domains?|clusters?|css|html|xml|yaml|json|npm|pip|docker|git|kubectl|helm|terraform|apt|brew|import|robots|functions?|parameters?|tools?|options?|variables?|columns?|fields?|tags?|env)\b/i;

const MAY_HAVE = new RegExp(`[/@#\\\\]|\\p{L}-\\p{L}|[\\p{L}\\p{N}][.?!:]{2,}[\\p{L}\\p{N}]|\\b(?:${COMMANDS}) `, "iu");
/** Marks around a piece of text that belong to the sentence. */
const OPENS = /^[([{"'`<*]+/;
const CLOSES = /[)\]}"'`>*.,;:?!]+$/;
const SLASHED = /^\p{L}+(?:\/\p{L}+)+$/u;
const HYPHENATED = /^\p{L}+(?:-\p{L}+)+$/u;
const HANDLE = /^[@#][\p{L}_]|[\p{L}\p{N}]@[\p{L}\p{N}]/u;
const ROOTED = /^(?:~|\.{1,2})?\/[\p{L}\p{N}_.:{*-]|\p{L}:?\\\p{L}/u;
const RELATIVE = /^[\p{L}_][^/]*\/[^/]/u;
const HOST = /^\p{L}[\p{L}\p{N}]*-[\p{L}\p{N}-]*\.[\p{L}\p{N}.-]+$/u;
/** Two marks or more between letters: "a..b", "x?.y", "std::sort". */
const MARKED = /[\p{L}\p{N}][.?!:]{2,}[\p{L}\p{N}]/u;
/** The pause of "wait...what". */
const PAUSE = /^\p{L}{2,}\.{3,}\p{L}{2,}$/u;
/** Shorter ones are abbreviations: "w/o", "n/a". */
const SLASHED_FROM = 4;
/** Words that make an expression no English one with hyphens: "delete-my-user" has as many, and is a name. */
const WORDS_OF_NAME = 3;

const NONE: readonly string[] = [];

/** Reads the names of a sentence. Linear. */
export function readCodeNames(sentence: string): CodeNames {
  if (!MAY_HAVE.test(sentence)) return { exact: NONE, spaced: NONE, compounds: NONE, sentence };
  const [exact, spaced, compounds]: [string[], string[], string[]] = [[], [], []];
  const isCode = IN_CODE.test(sentence);
  for (const given of sentence.split(/\s+/)) {
    const piece = given.replace(OPENS, "").replace(CLOSES, "").replace(/'s$/, "");
    if (piece.includes("://")) continue;
    if (SLASHED.test(piece)) {
      if (piece.length >= SLASHED_FROM && !isChoice(piece)) spaced.push(spelled(piece));
    } else if (HYPHENATED.test(piece)) {
      if (!isPhrase(piece)) (isCode || isName(piece) ? spaced : compounds).push(spelled(piece));
    } else if (ROOTED.test(piece) || (MARKED.test(piece) && !PAUSE.test(piece))) exact.push(piece);
    else if (HANDLE.test(piece) || RELATIVE.test(piece) || HOST.test(piece)) exact.push(piece.toLowerCase());
  }
  for (const [, name = ""] of sentence.matchAll(COMMAND))
    if (!FUNCTION_WORDS.has(name) && !NO_NAME.test(name)) spaced.push(spelled(name));
  return { exact, spaced, compounds, sentence };
}

/** Whether two sentences differ in a name that is compared by its letters. Symmetric. */
export function codeNamesDiffer(a: CodeNames, b: CodeNames): boolean {
  return lacks(a, b) || lacks(b, a);
}

function lacks({ exact, spaced, compounds }: CodeNames, other: CodeNames): boolean {
  if (exact.length === 0 && spaced.length === 0 && compounds.length === 0) return false;
  const text = spelled(other.sentence);
  return (
    exact.some((name) => !other.exact.includes(name)) ||
    spaced.some((name) => !text.includes(name)) ||
    (compounds.length > 0 && lacksCompound(compounds, text))
  );
}

/** The words of an expression stand together in their base forms, or as one word. */
function lacksCompound(compounds: readonly string[], text: string): boolean {
  const words = text.trim().split(" ").map(baseOf);
  const bases = ` ${words.join(" ")} `;
  return compounds.some((name) => {
    const parts = name.trim().split(" ");
    return !words.includes(baseOf(parts.join(""))) && !bases.includes(` ${parts.map(baseOf).join(" ")} `);
  });
}

function baseOf(word: string): string {
  return lookUp(word).lemma;
}

/** "Yes/no", "and/or", "he/she". */
function isChoice(piece: string): boolean {
  return piece
    .toLowerCase()
    .split("/")
    .some((word) => word === "yes" || FUNCTION_WORDS.has(word));
}

/** Whether words with hyphens are an expression for which another word may stand: "well-known", "famous". */
function isPhrase(piece: string): boolean {
  const words = piece.toLowerCase().split("-");
  return PHRASES_BY_FIRST.get(words[0] as string)?.some(([from]) => sameList(from, words)) === true;
}

/** Whether words with hyphens are no expression of English: one is unknown or a letter, or there are three and none that joins them. */
function isName(piece: string): boolean {
  const words = piece.toLowerCase().split("-");
  if (words.some((word) => word.length > 1 && FUNCTION_WORDS.has(word))) return false;
  return words.length >= WORDS_OF_NAME || words.slice(1).some((word) => lookUp(word).parts === "");
}

/** Small letters, with one space for all that parts words. */
function spelled(text: string): string {
  return ` ${text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}_]+/gu, " ")
    .trim()} `;
}
