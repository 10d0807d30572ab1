import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { canonicalJson } from "../internal/canonical-json.ts";
import { checkText, refuse } from "../internal/check.ts";
import { stripPleasantries } from "./pleasantries.ts";
import { separate, stripInvisible, withLineFeeds } from "./proof/index.ts";
import { isFollowUp } from "./follow-up.ts";
import { normalise } from "../internal/normalise.ts";

/** A question for the cache: a prompt, and everything that must be equal for a shared answer. */
export interface Question {
  /** The user's own words, the only part that is compared by meaning. 1 to 100,000 characters. */
  readonly prompt: string;
  /**
   * JSON that decides which answers may be shared: model, system prompt, tools, parameters, a digest of earlier turns. Compared exactly,
   * regardless of the order of fields. @default nothing
   */
  readonly within?: unknown;
  /**
   * Earlier turns as any JSON (a digest is enough), compared exactly. Without it a prompt that refers to them ("how old is he?") is neither
   * looked up nor stored. @default no earlier turns
   */
  readonly context?: unknown;
  /** Names of the answer's sources: a document, a template, a data set. {@link Cache.invalidate} invalidates all answers with a tag. */
  readonly tags?: readonly string[] | undefined;
}

/** A question reduced to its keys. */
export interface Fingerprint {
  /** Group of questions that may share answers: 32 hexadecimal digits. */
  readonly partition: string;
  /** Id of exactly this question in the group: 16 characters of base64url. */
  readonly id: string;
  /** The prompt as stored and compared: unchanged except for Unicode NFC and surrounding white space. */
  readonly text: string;
  /**
   * The text to embed: the asking part with folded spaces, without invisible characters, greetings, pleas and thanks. It only finds
   * candidates.
   */
  readonly question: string;
  /** True if the prompt refers to earlier turns and has no `context`. */
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
 * Reduces a question to its keys. Prompts that differ only in Unicode composition or surrounding white space have the same id. Everything
 * else counts: the question may be about indentation, double spaces, or the thanks in "translate: thank you".
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

/** Converts a prompt to a question object, so that its keys and vector are computed only once for several operations. */
export function toQuestion(question: string | Question): Question {
  return typeof question === "string" ? { prompt: question } : question;
}

/** A question is looked up, looked up by meaning, and stored; its keys are computed once. */
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
  const text = PLAIN.test(prompt) ? prompt : withoutOuterSpace(normalise(prompt, "NFC"));
  const alone = context === undefined || context === null || context === "";
  const { context: document, question: asks } = separate(withLineFeeds(text));
  const plain = toPlain(asks);
  if (plain === "") refuse("prompt", "a non-empty string", "", "invalid_input");
  // Parts that must be exactly equal decide the partition; the questions are compared within it.
  const partition = withDocument(partitionOf(alone ? within : { within, context }), document);
  return {
    partition,
    id: hash("sha256", `${partition}\n${text}`, "base64url").slice(0, ID_CHARS),
    text,
    question: plain,
    followUp: alone && document === "" && isFollowUp(plain),
    tags: checkTags(tags),
  };
}

/**
 * Removes surrounding white space without meaning: blank lines before a text, spaces and line ends after it, and spaces before a single
 * line. A tab may be an empty column, and the first of several lines keeps its indentation, which gives that of the others meaning. Linear.
 */
function withoutOuterSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (end > 0 && isBlank(text[end - 1] as string)) end -= 1;
  while (start < end && isBlank(text[start] as string)) start += 1;
  if (/[\n\r]/.test(text.slice(start, end))) while (start > 0 && !/[\n\r]/.test(text[start - 1] as string)) start -= 1;
  return text.slice(start, end);
}

function isBlank(character: string): boolean {
  return character !== "\t" && /\s/.test(character);
}

/** Returns the part of a stored prompt that is embedded. */
export function toEmbedded(text: string): string {
  return toPlain(separate(withLineFeeds(text)).question);
}

function toPlain(text: string): string {
  return stripPleasantries(PLAIN.test(text) ? text : foldSpace(stripInvisible(text)));
}

/** Spaces in a row are one; line ends stay, since they part sentences. */
function foldSpace(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/\s+/gu, " ").trim())
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

function withDocument(partition: string, document: string): string {
  return document === "" ? partition : hash("sha256", `${partition}\n${document}`).slice(0, SHORT_DIGEST);
}

function checkTags(tags: readonly string[]): readonly string[] {
  if (!Array.isArray(tags) || tags.length > TAGS_MAX)
    refuse("tags", `a list of at most ${TAGS_MAX} tags`, tags, "invalid_input");
  for (const tag of tags) checkText("tags", tag, 256, "invalid_input");
  return [...new Set(tags)];
}

/** Version of the conversion from prompts to ids. A new number makes entries with ids of another meaning unreachable. */
const READING = 2;
/** Most requests share few settings: their digests are remembered by their JSON, a bounded number of them. */
const partitions = new Map<string, string>();
const PARTITIONS_MAX = 256;
const PARTITION_CHARS_MAX = 2_048;

function partitionOf(within: unknown): string {
  try {
    const json = JSON.stringify(within) ?? "null";
    let partition = partitions.get(json);
    if (partition === undefined) {
      partition = hash("sha256", `${READING}\n${canonicalJson(within)}`).slice(0, SHORT_DIGEST);
      if (partitions.size >= PARTITIONS_MAX) partitions.clear();
      if (json.length <= PARTITION_CHARS_MAX) partitions.set(json, partition);
    }
    return partition;
  } catch (cause) {
    throw new MarrowError("invalid_input", "within must be JSON", { cause, details: { path: "within" } });
  }
}
