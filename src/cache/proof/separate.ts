/** A prompt split into a question and its context. */
export interface Separated {
  /** Instructions, documents, quoted and fenced blocks, compared literally. Empty if the prompt cannot be split. */
  readonly context: string;
  /** The question, which is embedded and compared by meaning. */
  readonly question: string;
}

/** A question has at most so many characters. */
const QUESTION_CHARS_MAX = 600;
/**
 * Least characters of a context; a prompt with less is a question as a whole. The question's length does not matter, so that short and long
 * questions about one document have the same context.
 */
const CONTEXT_CHARS_MIN = 120;
const LABEL = /^[ \t#*>]*(?:user(?:'s)? |my |the )?(?:question|query|q|request|task|ask|instruction)[ \t*]*:[ \t*]*/i;
const ANSWER = /^[ \t#*>]*(?:answer|a|response|output|assistant|helpful answer|final answer)[ \t*]*:?[ \t*]*$/i;
const ASKS =
  /\?["')\]\s]*$|^(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|should|would|will|has|have|may|must|list|name|give|tell|show|find|explain|describe|summari[sz]e|translate|write|define|compare|extract|classify|rewrite|identify|convert|fix|calculate|please)\b/i;

/**
 * Splits a prompt into question and context: by a label ("Question:"), or by paragraphs of which a short one asks. Prompts without such a
 * form, or with a short context, are a question as a whole. Linear.
 */
export function separate(prompt: string): Separated {
  const whole = { context: "", question: prompt };
  if (prompt.length < CONTEXT_CHARS_MIN) return whole;
  const lines = prompt.split("\n");
  const labelled = byLabel(lines);
  const found = labelled ?? byParagraph(prompt);
  if (found === undefined || found.question.trim() === "" || found.context.length < CONTEXT_CHARS_MIN) return whole;
  return found;
}

/** The last label counts: documents may have labels of their own. */
function byLabel(lines: readonly string[]): Separated | undefined {
  const at = lines.findLastIndex((line) => line.includes(":") && LABEL.test(line));
  if (at < 0) return undefined;
  const end = lines.findIndex((line, index) => index > at && ANSWER.test(line));
  const body = lines.slice(at, end < 0 ? undefined : end);
  const question = [(body[0] ?? "").replace(LABEL, ""), ...body.slice(1)].join("\n").trim();
  if (question === "" || question.length > QUESTION_CHARS_MAX) return undefined;
  const rest = [...lines.slice(0, at), ...(end < 0 ? [] : lines.slice(end))];
  return { context: rest.join("\n").trim(), question };
}

function byParagraph(prompt: string): Separated | undefined {
  const paragraphs = paragraphsOf(prompt);
  if (paragraphs.length < 2) return undefined;
  const short = (text: string | undefined) =>
    text !== undefined && text.length <= QUESTION_CHARS_MAX && !text.startsWith("```") && ASKS.test(text.trim());
  const [first, last] = [paragraphs[0], paragraphs.at(-1)];
  const isLast = short(last) && (!short(first) || /\?\s*$/.test(last ?? "") || !/\?\s*$/.test(first ?? ""));
  const at = isLast ? paragraphs.length - 1 : short(first) ? 0 : -1;
  if (at < 0) return undefined;
  // Both ends may ask: then both are the question.
  const both =
    isLast &&
    short(first) &&
    paragraphs.length > 2 &&
    (first as string).length + (last as string).length < QUESTION_CHARS_MAX;
  const taken = both ? new Set([0, at]) : new Set([at]);
  return {
    question: paragraphs.filter((_, index) => taken.has(index)).join("\n"),
    context: paragraphs.filter((_, index) => !taken.has(index)).join("\n\n"),
  };
}

/** Paragraphs; a fenced block is one, whatever blank lines it has. */
function paragraphsOf(prompt: string): string[] {
  const found: string[] = [];
  let [part, isFenced] = [[] as string[], false];
  const end = (): void => {
    if (part.some((line) => line.trim() !== "")) found.push(part.join("\n"));
    part = [];
  };
  for (const line of prompt.split("\n")) {
    if (line.trimStart().startsWith("```")) {
      if (!isFenced) end();
      part.push(line);
      if (isFenced) end();
      isFenced = !isFenced;
    } else if (!isFenced && line.trim() === "") end();
    else part.push(line);
  }
  end();
  return found;
}

/** Characters of a question that are embedded: embedders truncate long texts, and long texts outweigh the question. */
const GIST_CHARS_MAX = 600;

/** The part of a question by which near ones are looked for: all of it, or of a long one its asking sentences, or its ends. */
export function gistOf(question: string): string {
  if (question.length <= GIST_CHARS_MAX) return question;
  const sentences = sentencesOf(question);
  const asking = sentences.filter((one) => one.endsWith("?")).slice(-3);
  const picked = asking.length > 0 ? asking : [sentences[0] ?? "", sentences.at(-1) ?? ""];
  return picked.join(" ").slice(0, GIST_CHARS_MAX);
}

/** Abbreviations whose full stop ends no sentence. */
const ABBREVIATION =
  /(?:^|[\s(])(?:e\.g|i\.e|a\.m|p\.m|etc|vs|mr|mrs|ms|dr|prof|st|mt|ft|no|inc|ltd|co|corp|jr|sr|u\.s|approx|dept|fig|est|\p{L})\.$/iu;

/** Sentences that only greet or thank. */
const POLITE =
  /^(?:(?:hi|hello|hey|dear)(?: there| all| team| everyone| sir)?|(?:thanks?(?: you)?|thx|ty|tia)(?: (?:so|very) much| a lot)?(?: in advance)?|(?:hi,? |hello,? |hey,? )?i have (?:a|one) (?:quick |short |small )?question|sorry (?:to bother|for bothering)(?: you)?|please(?: help)?|good (?:morning|day|afternoon|evening)|cheers|help)[\s.,!?]*$/i;
const POLITE_CHARS_MAX = 40;

/** Patterns of requests about a text, which a polite sentence may be. */
const OF_TEXT =
  /\b(?:translat\w+|classif\w+|sentiment|complete|continue|rewrite|rephrase|paraphrase|proofread|spell\w*|rhym\w+|repl(?:y|ies)|respond|answer|say|says|said|word|words|text|sentence|phrase|message|email|review|lyrics?|following|subtitle|caption|transcri\w+|tone|formal\w*)\b/i;

/** The sentences of a text, in order, without those that only greet or thank. Lines are sentences of their own. Linear. */
export function sentencesOf(text: string): string[] {
  const all = splitSentences(text);
  if (all.length < 2) return all;
  const found = all.filter((one) => one.length > POLITE_CHARS_MAX || !POLITE.test(one));
  const isOfText = () => found.some((one) => one.endsWith(":") || OF_TEXT.test(one));
  return found.length === all.length || found.length === 0 || isOfText() ? all : found;
}

function splitSentences(text: string): string[] {
  // Most questions are one sentence.
  if (!/\n|[.?!]["')\]]{0,3}\s/.test(text)) return text.trim() === "" ? [] : [text.trim()];
  const found: string[] = [];
  for (const line of text.split("\n")) {
    let start = 0;
    for (const match of line.matchAll(/(?<![.?!\s])[.?!]+["')\]]{0,3}\s+/g)) {
      const end = match.index + match[0].length;
      const head = line.slice(start, end).trim();
      if (match[0].startsWith(".") && ABBREVIATION.test(head.slice(-12))) continue;
      if (/^\p{Ll}/u.test(line.slice(end)) && /["')\]]/.test(match[0])) continue;
      found.push(head);
      start = end;
    }
    const rest = line.slice(start).trim();
    if (rest !== "") found.push(rest);
  }
  return found;
}
