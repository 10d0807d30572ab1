import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { canonicalJson } from "../internal/canonical-json.ts";
import { checkText, refuse } from "../internal/check.ts";
import { stripPleasantries } from "./pleasantries.ts";
import { separate, stripInvisible } from "./proof/index.ts";
import { isFollowUp } from "./follow-up.ts";
import { normalise } from "../internal/normalise.ts";

/** What is asked: a prompt, and everything that must be equal for one answer to serve. */
export interface Question {
  /** The user's own words, the only part that is compared by meaning. 1 to 100,000 characters. */
  readonly prompt: string;
  /**
   * Any JSON that decides which answers may be shared: model, system prompt, tools, parameters, a digest of the turns
   * before. Compared exactly; the order of fields does not matter. @default nothing
   */
  readonly within?: unknown;
  /**
   * What was said before, as any JSON (a digest will do), compared exactly. Without it a prompt that leans on something said before
   * ("how old is he?") is neither looked up nor stored. @default nothing was said before
   */
  readonly context?: unknown;
  /** Names of what the answer was made from: a document, a template, a data set. {@link Cache.invalidate} ends all that bear one. */
  readonly tags?: readonly string[] | undefined;
}

/** A question reduced to what is looked up. */
export interface Fingerprint {
  /** Names the group of questions that may share answers: 32 hexadecimal digits. */
  readonly partition: string;
  /** Names this very question in it: 16 characters of base64url. */
  readonly id: string;
  /** The prompt as it is compared: Unicode NFC, spaces folded, without invisible characters, greetings, pleas and thanks. */
  readonly text: string;
  /** The part of it that asks: all of it, or the question beside its instructions and documents. This is embedded. */
  readonly question: string;
  /** It refers to something said before, and no `context` says what that was. */
  readonly followUp: boolean;
  readonly tags: readonly string[];
}

/** Longest prompt that is cached, in characters. */
export const PROMPT_CHARS_MAX = 100_000;
const SHORT_DIGEST = 32;
/** Of an entry there are many, and its id is kept three times: 96 bits in 16 characters. */
const ID_CHARS = 16;
/** Tags of one answer. */
const TAGS_MAX = 16;
/** ASCII words with single spaces between them: already in normal form, as most prompts are. */
const PLAIN = /^[\x21-\x7E]+(?: [\x21-\x7E]+)*$/;

/**
 * Reduces a question to its keys. Prompts that differ only in Unicode composition, white space or courtesy have one id; letter
 * case counts, since "us" and "US" are two things.
 * @throws MarrowError `invalid_input`
 */
export function toFingerprint(question: string | Question): Fingerprint {
  if (typeof question !== "object" || question === null) return makeFingerprint(question);
  let known = fingerprints.get(question);
  if (known === undefined) {
    known = makeFingerprint(question);
    fingerprints.set(question, known);
  }
  return known;
}

/** A prompt as a question: what does several things with it makes its keys and its vector once. */
export function toQuestion(question: string | Question): Question {
  return typeof question === "string" ? { prompt: question } : question;
}

/** A question is looked up, looked up again by meaning, and stored: its keys are made once. */
const fingerprints = new WeakMap<Question, Fingerprint>();

function makeFingerprint(question: string | Question): Fingerprint {
  const {
    prompt,
    within,
    context,
    tags = [],
  }: Partial<Question> = typeof question === "string" ? { prompt: question } : (question ?? {});
  if (typeof prompt !== "string" || prompt.length > PROMPT_CHARS_MAX || !prompt.isWellFormed()) {
    refuse("prompt", `a well-formed string of at most ${PROMPT_CHARS_MAX} characters`, prompt, "invalid_input");
  }
  const text = stripPleasantries(PLAIN.test(prompt) ? prompt : foldSpace(stripInvisible(normalise(prompt, "NFC"))));
  if (text === "") refuse("prompt", "a non-empty string", "", "invalid_input");
  const alone = context === undefined || context === null || context === "";
  const { context: document, question: asks } = separate(text);
  // What two prompts must share exactly divides them before their questions are compared.
  const partition = withDocument(partitionOf(alone ? within : { within, context }), document);
  return {
    partition,
    id: hash("sha256", `${partition}\n${text.replaceAll(/\s+/gu, " ")}`, "base64url").slice(0, ID_CHARS),
    text,
    question: asks,
    followUp: alone && document === "" && isFollowUp(text),
    tags: checkTags(tags),
  };
}

/** Spaces in a row are one; line ends stay, since they part documents from questions. */
function foldSpace(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/u)
    .map((line) => line.replaceAll(/\s+/gu, " ").trim())
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

function withDocument(partition: string, document: string): string {
  if (document === "") return partition;
  return hash("sha256", `${partition}\n${document.replaceAll(/\s+/gu, " ")}`).slice(0, SHORT_DIGEST);
}

function checkTags(tags: readonly string[]): readonly string[] {
  if (!Array.isArray(tags) || tags.length > TAGS_MAX)
    refuse("tags", `a list of at most ${TAGS_MAX} tags`, tags, "invalid_input");
  for (const tag of tags) checkText("tags", tag, 256, "invalid_input");
  return [...new Set(tags)];
}

/** Most requests share few settings: their digests are remembered by their JSON, a bounded number of them. */
const partitions = new Map<string, string>();
const PARTITIONS_MAX = 256;
const PARTITION_CHARS_MAX = 2_048;

function partitionOf(within: unknown): string {
  try {
    const json = JSON.stringify(within) ?? "null";
    let partition = partitions.get(json);
    if (partition === undefined) {
      partition = hash("sha256", canonicalJson(within)).slice(0, SHORT_DIGEST);
      if (partitions.size >= PARTITIONS_MAX) partitions.clear();
      if (json.length <= PARTITION_CHARS_MAX) partitions.set(json, partition);
    }
    return partition;
  } catch (cause) {
    throw new MarrowError("invalid_input", "within must be JSON", { cause, details: { path: "within" } });
  }
}
