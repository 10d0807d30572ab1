import { countOf, tellsNounFromName } from "./articles.ts";
import { withExpletive } from "./expletive.ts";
import { RULES, type Form } from "./form-rules.ts";
import { withQuestionFirst } from "./fronted.ts";
import { isCapital, plain, type Token } from "./token.ts";
import { DEMONYMS, OF_COUNTRIES } from "./words/demonyms.ts";

export type { Form } from "./form-rules.ts";

/** A sentence without its lead-in: its form, and the rest to compare. */
export interface Frame {
  readonly form: Form;
  readonly tokens: readonly Token[];
  /** Whether it asks for a definition: "what is a smart phone". */
  readonly defines: boolean;
  /** Finite words that were taken away with the lead-in, where only their tense still counts. */
  readonly finite: readonly string[];
  readonly article: Article;
  /** Whether it asks for help with something, instead of how to do it. */
  readonly isForHelp: boolean;
}

/** The article that the words of a form end with. */
export interface Article {
  readonly word: "a" | "the" | "some" | "";
  /** Whether these words request to name, find or show something. */
  readonly isRequest: boolean;
}

const NO_ARTICLE: Article = { word: "", isRequest: false };
const REQUEST = /^(?:give|name|find|tell|show|list|suggest|recommend|get|provide|bring|fetch|print|return|display)\b/;

function articleOf(head: string): Article {
  const [, word = ""] = / (an?|one|the|some|any) ?$/.exec(head) ?? [];
  const isRequest = REQUEST.test(head);
  if (word === "some" || word === "any") return { word: "some", isRequest };
  return { word: word === "the" || word === "" ? word : "a", isRequest };
}

/** Lead-ins, which do not affect the question. */
export const LEAD_INS: readonly RegExp[] = [
  /^(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening|day))(?: there| all| everyone| guys| team)?(?: [,!.]|(?= (?:i|can|could|please|what|how|where|when|who|why|is|are|do|does|my|would|will)\b))/,
  // A well pump is no pump.
  /^(?:okay|ok|well|um|uh|so|oh|yes|sorry|excuse me|alright)(?: [,.!](?= \S)|(?= (?:i|can|could|please|what|which|how|where|when|who|why|is|are|am|do|does|did|my|would|will|if|whether)\b))/,
  /^(?:please|kindly)(?: ,)?(?= (?!(?:please|me)\b)\S)/,
  /^(?:thanks|thank you)(?: [,.!])/,
  /^(?:sorry|apologies) (?:to bother|for bothering)(?: you)?(?: [,.:;-](?= \S)|(?= (?:but|what|which|who|when|where|why|how|is|are|do|does|did|can|could)\b))(?: but)?/,
  /^i (?:just )?have (?:a|one) (?:quick |short |small )?question(?: for you)?(?: [,.:;-](?= \S)|(?= (?:what|which|who|when|where|why|how|is|are|do|does|did|can|could)\b))/,
  /^(?:(?:can|could|would|will) (?:you|u|anyone|anybody|someone|somebody)|(?:would|do) you mind|are you able to|is it possible for you to|i (?:would like|want|must) you to)(?: please| kindly| possibly| also)?(?= (?:tell|show|explain|give|list|describe|help|find|provide|display|name|define|write|compose|draft|generate|suggest|recommend|let|check|summari[sz]e|translate|convert|compare|calculate|create|make|teach|please|kindly|look_up|get|telling|showing|explaining|giving)\b)/,
  /^(?:do|does) (?:you|anyone|anybody|someone|somebody|u)(?: guys)? (?:happen to )?(?:know|remember|have any idea|have an idea)(?: about| of)?(?: ,)?(?= (?:if|whether|what|which|who|when|where|why|how|any|some)\b)/,
  /^(?:tell|telling|show|showing|teach|teaching|explain|explaining|describe|let|inform|advise|remind)(?: to)?(?: me| us)?(?: know)?(?: please)?(?: about| on| to)?(?= (?:if|whether|what|which|who|when|where|why|how)\b)/,
  /^i (?:am|was) (?:just |really |also )?(?:wondering|curious|interested in knowing|trying to (?:determine|understand|know|learn)|interested to know|asking)(?: about)?(?: ,)?(?= (?:if|whether|what|which|who|when|where|why|how)\b)/,
  /^i (?:just |also |really )?(?:want|must|would like|would love|wish|like|am trying|am looking)(?: to)? (?:know|determine|learn|understand|ask|be told|hear|inquire)(?: you)?(?: about)?(?: ,)?(?= (?:if|whether|what|which|who|when|where|why|how)\b)/,
  /^i (?:want|must|would like|would love)(?: to)? know(?= (?:the|my|your|our|a|an) \S)/,
  /^(?:any|no|some) (?:idea|clue|thoughts|suggestions?|advice)(?: about| on| of)?(?= (?:if|whether|what|which|who|when|where|why|how)\b)/,
  /^(?:may|can|could|might) i (?:please )?(?:ask|know|inquire|please)(?: you)?(?: about)?(?: ,)?(?= \S)/,
  /^(?:my|the|a quick|quick|one|another|next|here is (?:my|a)) ?(?:question|query)(?: is)?(?: [:,-](?= \S)|(?= (?:if|whether|what|which|who|when|where|why|how|is|are|do|does|did|can|could|should)\b))/,
  /^(?:question|query|q|user|ask|prompt) :/,
  /^help (?:me|us)(?: to)? (?:understand|determine|know|find)(?= (?:if|whether|what|which|who|when|where|why|how)\b)/,
  /^in (?:general|short|your opinion|brief)(?: ,(?= \S)|(?= (?:what|which|who|when|where|why|how|is|are|do|does|did|can|could|should)\b))/,
  /^(?:and|also|now)(?: ,)? (?=(?:what|which|who|when|where|why|how|is|are|do|does|can|show|list|give|tell)\b)/,
  /^i (?:do|can|could) not (?:know|understand|remember|determine)(?= (?:what|which|who|when|where|why|how)\b)/,
];
/** A way to end one. */
export const TAILS: RegExp =
  /(?: [,.!?])*(?: (?:please|thanks|thank you|thank you very much|many thanks|thanks a lot|in advance|cheers|if you can|if possible|asap|can you help(?: me)?|can you tell me|do you know|any ideas?|any suggestions|for me))(?: [,.!?])*$/;

/** Verbs that "for me" belongs to. */
const WAITS_FOR = new Set(
  "wait waits waiting look looks looking ask asks asking pay pays care work works working vote vouch sign call calls stand speak".split(
    " ",
  ),
);
/** The last words of `TAILS`. */
const LAST_OF_TAIL = new Set(
  "please thanks you much lot advance cheers can possible asap help me know idea ideas suggestion suggestions".split(
    " ",
  ),
);

/** Rules that take words away but leave those that carry a tense or a mode to be read. */
const KEPT = /^(?:is|are|am|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has|have|had)$/;
const FOUND = /^(?:find|locate)$/;
const ABLE = /^(?:can|could|may|might)$/;
const LISTS = /^(?:list|display|show|view|print|see)$/;
/** Beginnings whose rules are remembered. */
const BEGINNINGS_MAX = 2_048;
/** Marks that patterns have behind their first word. */
const STOPS = new Set([",", ":", ".", "!", "-"]);
/** Patterns that match more than the words in their source. */
const IS_WILD = /\\[dwS]|\[/;
/** The same for the first word. */
const BEGINS_WILD = /^\^[^ ]*(?:\\[dwS]|\[)|\|(?:\(\?:)*(?:\\[dwS]|\[)/;

/** Rules that may fit a sentence that begins with these two words: most sentences are tried by a few. */
const rulesFor = byFirstWords(RULES, ({ head }) => head);
const leadInsFor = byFirstWords(LEAD_INS, (pattern) => pattern);

function byFirstWords<T>(
  all: readonly T[],
  patternOf: (one: T) => RegExp,
): (first: string, second: string) => readonly T[] {
  const patterns = all.map((one) => {
    const pattern = patternOf(one);
    return { one, pattern, isWild: IS_WILD.test(pattern.source), vocabulary: wordsOfPattern(pattern) };
  });
  const known = new Set(patterns.flatMap((one) => [...one.vocabulary]));
  const remembered = new Map<string, readonly T[]>();
  return (first, second) => {
    const behind = known.has(second) || STOPS.has(second) ? second : "_";
    const key = `${known.has(first) ? first : "_"} ${behind}`;
    let found = remembered.get(key);
    if (found === undefined) {
      // A pattern that does not fit whatever follows the first word has the second one in its source, too.
      found = patterns
        .filter(
          ({ pattern, isWild, vocabulary }) =>
            pattern.source === "^" ||
            (isWild && (vocabulary.has(first) || BEGINS_WILD.test(pattern.source))) ||
            (vocabulary.has(first) &&
              (vocabulary.has(second) || pattern.test(`${first} ${STOPS.has(second) ? second : "_"} _ `))),
        )
        .map(({ one }) => one);
      if (remembered.size >= BEGINNINGS_MAX) remembered.clear();
      remembered.set(key, found);
    }
    return found;
  };
}

/** The words of a pattern, with and without a last letter that is optional: "ways?". */
export function wordsOfPattern({ source }: RegExp): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, word = "", optional] of source.replaceAll(/\\[a-zA-Z]/g, " ").matchAll(/([a-z_]+)(\??)/g)) {
    found.add(word);
    if (optional === "?") found.add(word.slice(0, -1));
  }
  return found;
}

function firstMatch(patterns: readonly RegExp[], text: string): RegExpExecArray | undefined {
  for (const one of patterns) {
    const match = one.exec(text);
    if (match !== null) return match;
  }
  return undefined;
}

const ROUNDS = 5;
/** Words of a sentence that rules look at, from its start. */
const LOOKED_AT = 18;
const WH = /^(?:what|which|who|when|where|why|how)$/;

/** Reads the form of a sentence and takes its lead-in and question words away. Linear. */
export function frameOf(given: readonly Token[]): Frame {
  let tokens = trimTail(trimStops(given));
  let head = headOf(tokens);
  for (let round = 0; round < ROUNDS; round += 1) {
    const lead = firstMatch(leadInsFor(tokens[0]?.text ?? "", tokens[1]?.text ?? ""), head);
    if (lead === undefined) break;
    const rest = trimStops(tokens.slice(countWords(lead[0])));
    if (rest.length === 0 || isTitle(tokens, rest)) break;
    tokens = rest;
    head = headOf(tokens);
  }
  const turned = trimTail(withHolder(withExpletive(withDifference(withQuestionFirst(withQuestionLast(tokens))))));
  if (turned !== tokens) head = headOf(turned);
  tokens = turned;
  const end = tailOf(tokens);
  for (const { head: opening, tail, form, as, after } of rulesFor(tokens[0]?.text ?? "", tokens[1]?.text ?? "")) {
    const match = opening.exec(head);
    if (match === null || (tail !== undefined && !tail.test(end))) continue;
    const taken = countWords(match[0]);
    const cut = tail === undefined ? 0 : countWords((tail.exec(end) as RegExpExecArray)[0]);
    const rest = tokens.slice(taken, tokens.length - cut);
    if (rest.length === 0) continue;
    // "How do I list X" asks how X is listed, and "list X" may ask for the same.
    if (form === "how" && rest.length > 1 && LISTS.test(rest[0]?.text ?? ""))
      return {
        form: "display",
        tokens: rest.slice(1),
        defines: false,
        finite: [],
        article: NO_ARTICLE,
        isForHelp: false,
      };
    const kept = tokens.slice(0, taken).filter(
      (token, at) =>
        (at === taken - 1 &&
          (tellsNounFromName(token, tokens[taken], tokens[taken + 1]) ||
            countOf(token, tokens[taken], tokens[taken + 1]) !== "")) ||
        (KEPT.test(token.text) &&
          // "Where can it be found" asks where it is.
          !(form === "where" && FOUND.test(tokens[taken - 1]?.text ?? "") && ABLE.test(token.text)) &&
          ((form !== "how" && form !== "want" && form !== "statement" && as === undefined) ||
            /^(?:was|were|did)$/.test(token.text))),
    );
    const gone =
      form === "how" || as !== undefined ? [...tokens.slice(0, taken), ...tokens.slice(tokens.length - cut)] : [];
    return {
      finite: gone
        .filter((token, at) => isFinite(token, gone[at + 1]) && !kept.includes(token))
        .map(({ text }) => text),
      article: articleOf(form === "explain" ? `${match[0]} ${rest[0]?.text ?? ""}` : match[0]),
      isForHelp: /\bhelp\b/.test(match[0]),
      form: form === "who" && isOwned(tokens) ? "list" : form,
      tokens: withConversion([...words(as), ...kept, ...withoutPurpose(rest), ...words(after)]),
      defines: form === "explain" || (form === "list" && as === undefined && DEFINES.test(head)),
    };
  }
  tokens = withConversion(withoutPurpose(tokens));
  return {
    form: isStatement(tokens) ? "statement" : "keywords",
    tokens,
    defines: false,
    finite: [],
    article: NO_ARTICLE,
    isForHelp: false,
  };
}

/** Returns true if a removed word expresses a time; "what will it take or cost" equals "what does it take or cost". */
function isFinite({ text }: Token, next: Token | undefined): boolean {
  return (
    /^(?:is|are|am|do|does|did|was|were|causes|caused|live|lives)$/.test(text) ||
    (text === "will" && next?.text !== "it")
  );
}

/** Returns true if a lead-in belongs to the text: "Tell me why lyrics", "Please Mr Postman chords". */
function isTitle([first]: readonly Token[], [asking, ...rest]: readonly Token[]): boolean {
  if (asking === undefined) return false;
  if (first?.text === "please") return isCapital(asking.raw) && !isCapital(asking.raw.slice(1));
  return WH.test(asking.text) && rest.length < 2;
}

/** Returns true for "who is Ann's brother" and "who is the Norwegian king", which ask for a relation. */
function isOwned([who, be, ...rest]: readonly Token[]): boolean {
  if (who?.text !== "who" || !FINITE.test(be?.text ?? "")) return false;
  return rest
    .slice(0, OWNER_WITHIN)
    .some(({ owner, text }, at) => owner || (DEMONYMS.has(text) && OF_COUNTRIES.has(rest[at + 1]?.text ?? "")));
}

/** Words of a question among which an owner may stand first: "the old king's". */
const OWNER_WITHIN = 4;

/** A question what something is, which has no article that points at one. */
const DEFINES = /^what (?:is|are) (?!(?:the|my|your|our|his|her|its|their|this|that|these|those|all|some|any) )/;

/** "5 km to miles" is 5 km in miles. */
function withConversion(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.kind !== "number" || tokens.length > 6) return tokens;
  return tokens.map((token) => (token.text === "to" || token.text === "into" ? plain("in") : token));
}

/** "The best books to read" are the best books. */
function withoutPurpose(tokens: readonly Token[]): readonly Token[] {
  const [to, verb] = tokens.slice(-2);
  if (tokens.length < 4 || to?.text !== "to" || !PURPOSE.test(verb?.text ?? "")) return tokens;
  return tokens.some(({ text }) => PRAISE.test(text)) ? tokens.slice(0, -2) : tokens;
}

const PURPOSE = /^(?:read|watch|visit|see|try|play|use|buy|eat|listen|know|do)$/;
const PRAISE = /^(?:best|top|good|great|interesting|famous|popular)$/;

function words(list: string | undefined): Token[] {
  return list === undefined ? [] : list.split(" ").map(plain);
}

const FINITE = /^(?:is|are|was|were)$/;
/** Ends of a question without its last word: "it is known as". */
const NAMED = /^(?:known|called|named|termed|described|referred)$/;

/** "How many strings does a violin have" as "how many strings in a violin". */
function withHolder(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.text !== "how" || tokens[1]?.text !== "many" || tokens.at(-1)?.text !== "have") return tokens;
  const at = tokens.findIndex(({ text }) => text === "do" || text === "does");
  if (at < 3 || at > LOOKED_AT || tokens.length < at + 3) return tokens;
  const rest = tokens.slice(at + 1, -1);
  // Of a name it is plain: "how many rivers does Peru have".
  return !/^(?:a|an|the|each|every)$/.test(rest[0]?.text ?? "")
    ? tokens
    : [...tokens.slice(0, at), plain("in"), ...rest];
}

/** Rewrites "X is known as what" as "what is X known as". */
function withQuestionLast(given: readonly Token[]): readonly Token[] {
  const tokens = given.at(-1)?.text === "exactly" ? given.slice(0, -1) : given;
  const last = tokens.at(-1)?.text ?? "";
  const isAsked = last === "what" || last === "who" || last === "whom";
  if (!isAsked && !(last === "as" && NAMED.test(tokens.at(-2)?.text ?? ""))) return tokens;
  const at = tokens.findIndex(({ text }) => FINITE.test(text));
  if (at < 1 || tokens.some(({ text, kind }, index) => index < tokens.length - 1 && kind === "word" && WH.test(text)))
    return tokens;
  const rest = isAsked ? tokens.slice(at + 1, -1) : tokens.slice(at + 1);
  const asked = last === "who" || last === "whom" ? "who" : "what";
  return rest.length === 0 && !isAsked ? tokens : [plain(asked), tokens[at] as Token, ...tokens.slice(0, at), ...rest];
}

/** "How is A different from B" and "how does A differ from B" as "the difference between A and B". */
function withDifference(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.text !== "how" || !/^(?:is|are|do|does|did|was|were)$/.test(tokens[1]?.text ?? "")) return tokens;
  const at = tokens.findIndex(({ text }, index) => index > 2 && /^(?:different|differs?|distinct)$/.test(text));
  if (at < 0 || at > LOOKED_AT || !/^(?:from|than|to)$/.test(tokens[at + 1]?.text ?? "")) return tokens;
  return [...words("difference between"), ...tokens.slice(2, at), plain("and"), ...tokens.slice(at + 2)];
}

function isStatement(tokens: readonly Token[]): boolean {
  return tokens.some(
    ({ text, kind }, at) =>
      kind === "word" &&
      ((/^(?:i|we|he|she|they|it|this)$/.test(text) && at < 6) ||
        (at > 0 && /^(?:is|are|am|was|were|has|have|had|got|will|can|could|should|must|did|does|do)$/.test(text))),
  );
}

function headOf(tokens: readonly Token[]): string {
  let head = "";
  for (let at = 0; at < tokens.length && at < LOOKED_AT; at += 1) head += `${(tokens[at] as Token).text} `;
  return head === "" ? " " : head;
}

function tailOf(tokens: readonly Token[]): string {
  return ` ${trimEnd(tokens)
    .slice(-6)
    .map(({ text }) => text)
    .join(" ")}`;
}

function countWords(text: string): number {
  return text.trim() === "" ? 0 : text.trim().split(" ").length;
}

function trimStops(tokens: readonly Token[]): readonly Token[] {
  let at = 0;
  while (at < tokens.length && tokens[at]?.kind === "stop") at += 1;
  return trimEnd(at === 0 ? tokens : tokens.slice(at));
}

function trimEnd(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length;
  while (end > 0 && tokens[end - 1]?.kind === "stop") end -= 1;
  return end === tokens.length ? tokens : tokens.slice(0, end);
}

/** Returns true if a plea at the end is the text in question: "how do you say thank you", "translate to French: no, thanks". */
function isSaid(tokens: readonly Token[], at: number): boolean {
  if (tokens.some(({ text, kind }, index) => kind === "stop" && text === ":" && index > 1 && index < at)) return true;
  if (tokens[at - 1]?.kind === "stop" || tokens[at]?.kind === "stop") return false;
  const before = tokens[at - 1]?.text ?? "";
  return SAYS.test(before) || BEFORE_OBJECT.test(before);
}

const SAYS =
  /^(?:says?|said|saying|rhym\w+|words?|phrases?|means?|meant|spell\w*|translat\w+|pronounc\w+|synonyms?|antonyms?|opposite|hashtags?|repl(?:y|ies)|respond|answer|classify|type|write)$/;
const BEFORE_OBJECT = /^(?:to|by|with|of|for|from|and|or|than|as|like|about|a|the|in|at|on|called|named|not)$/;

function trimTail(tokens: readonly Token[]): readonly Token[] {
  let left = trimEnd(tokens);
  for (let round = 0; round < ROUNDS; round += 1) {
    if (!LAST_OF_TAIL.has(left.at(-1)?.text ?? "")) break;
    const match = TAILS.exec(tailOf(left));
    if (match === null) break;
    if (isSaid(left, left.length - countWords(match[0]))) break;
    if (match[0].includes(" for me") && WAITS_FOR.has(left[left.length - countWords(match[0]) - 1]?.text ?? "")) break;
    const rest = trimEnd(left.slice(0, left.length - countWords(match[0])));
    if (rest.length === 0) break;
    left = rest;
  }
  return left;
}
