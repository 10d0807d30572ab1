import type { Token } from "./token.ts";

const WH = /^(?:what|which|who|when|where|why|how)$/;
/** First words of a question without a question word. */
const ASKS = /^(?:is|are|am|was|were|do|does|did|can|could|will|would|should|shall|may|must|has|have)$/;
const OPENS_CLAUSE = /^(?:if|when|after|before|while|because|since|once|unless)$/;
const OPENS_PHRASE = /^(?:in|on|at|during|after|before|for|with|without|by|from|to|until|since|under|as)$/;
const HAPPENS = /^(?:happens|happened)$/;
/** Words of a clause or phrase before its question, at most. */
const FRONTED_MAX = 12;

/** Moves clauses and phrases before a question after it: "if I lose it, what should I do", "on Monday, is it open". Linear. */
export function withQuestionFirst(tokens: readonly Token[]): readonly Token[] {
  return withPhraseLast(withClauseLast(tokens));
}

/** Rewrites "If X, what is Y" as "what is Y if X", and "on Monday, is it open" as "is it open on Monday". */
function withClauseLast(tokens: readonly Token[]): readonly Token[] {
  const first = tokens[0]?.text ?? "";
  const isClause = OPENS_CLAUSE.test(first);
  if (!isClause && !OPENS_PHRASE.test(first)) return tokens;
  const comma = tokens.findIndex(({ text, kind }) => kind === "stop" && text === ",");
  if (comma < 2 || comma > FRONTED_MAX) return tokens;
  const rest = withoutEnd(tokens.slice(comma + 1));
  const asked = rest[0]?.text ?? "";
  // A second comma may separate a list, and "when is it, on Monday or Tuesday" asks at its beginning.
  const isWhole = rest.length > 2 || (asked === "what" && HAPPENS.test(rest[1]?.text ?? ""));
  if (!isWhole || rest.some(({ text, kind }) => kind === "stop" && text === ",")) return tokens;
  if (ASKS.test(tokens[1]?.text ?? "") || !(ASKS.test(asked) || (isClause && WH.test(asked)))) return tokens;
  return [...rest, ...tokens.slice(0, comma)];
}

/** "In Texas, which city …" and "to which cities does it fly": the question word first. */
function withPhraseLast(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex(
    ({ text, kind }, index) => kind === "word" && (WH.test(text) || (index > 0 && isRequest(text, tokens[index + 1]))),
  );
  if (at < 1 || at > 8) return tokens;
  const before = tokens.slice(0, at);
  if (
    !/^(?:in|on|at|of|from|to|for|with|by|among|between|through|during|under|about|into)$/.test(before[0]?.text ?? "")
  )
    return tokens;
  // The preposition goes to the end, where it also stands in "which city is it in".
  if (before.length === 1) return [...tokens.slice(at), before[0] as Token];
  const comma = before.at(-1)?.text === ",";
  return comma || !WH.test(tokens[at]?.text ?? "")
    ? [...withoutEnd(tokens.slice(at)), ...(comma ? before.slice(0, -1) : before)]
    : tokens;
}

function isRequest(text: string, next: Token | undefined): boolean {
  if (text === "i") return /^(?:want|must|need|would)$/.test(next?.text ?? "");
  return /^(?:show|list|give)$/.test(text) && /^(?:me|all|the|us)$/.test(next?.text ?? "");
}

function withoutEnd(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length;
  while (end > 0 && tokens[end - 1]?.kind === "stop") end -= 1;
  return tokens.slice(0, end);
}
