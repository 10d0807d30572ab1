import { lookUp } from "./lexicon.ts";
import { plain, type Token } from "./token.ts";
import { PREPOSITIONS } from "./words/function-words.ts";

/** Adjectives that judge an act. */
const JUDGED = new Set(
  "safe legal illegal dangerous healthy unhealthy hard easy difficult expensive rude ethical".split(" "),
);
const BE = new Set(["is", "was", "are"]);

/** "Is eating raw eggs safe" and "are raw eggs safe to eat" as "is it safe to eat raw eggs". */
export function withExpletive(tokens: readonly Token[]): readonly Token[] {
  const [be, first] = tokens;
  if (be === undefined || first === undefined || !BE.has(be.text) || first.text === "it") return tokens;
  const at = tokens.findIndex(({ text, kind, exact }) => kind === "word" && !exact && JUDGED.has(text));
  if (at < 2) return tokens;
  const rest = tokens.slice(at + 1);
  const opening = [plain(be.text === "are" ? "is" : be.text), plain("it"), tokens[at] as Token, plain("to")];
  const subject = tokens.slice(1, at);
  const verb = actOf(first);
  if (verb !== undefined && (rest.length === 0 || PREPOSITIONS.has(rest[0]?.text ?? "")) && rest[0]?.text !== "to")
    return subject.length > 1 ? [...opening, verb, ...subject.slice(1), ...rest] : tokens;
  const [to, act, ...behind] = rest;
  const isDone = to?.text === "to" && act?.kind === "word" && lookUp(act.text).lemma === act.text;
  if (!isDone || !lookUp(act.text).parts.includes("v")) return tokens;
  if (behind.length > 0 && !PREPOSITIONS.has(behind[0]?.text ?? "")) return tokens;
  return [...opening, act, ...subject, ...behind];
}

/** The verb of "eating". */
function actOf({ text, kind, exact }: Token): Token | undefined {
  if (kind !== "word" || exact || !text.endsWith("ing")) return undefined;
  const { lemma, also } = lookUp(text);
  const verb = lemma === text ? also[0] : lemma;
  return verb !== undefined && lookUp(verb).parts.includes("v") ? plain(verb) : undefined;
}
