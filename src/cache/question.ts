import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { canonicalJson } from "../internal/canonical-json.ts";
import { refuse } from "../internal/check.ts";

/** What is asked: a prompt, and everything that must be equal for one answer to serve. */
export interface Question {
  /** The user's own words, the only part that is compared by meaning. 1 to 100,000 characters. */
  readonly prompt: string;
  /**
   * Any JSON that decides which answers may be shared: model, system prompt, tools, parameters, a digest of the turns
   * before. Compared exactly; the order of fields does not matter. @default nothing
   */
  readonly within?: unknown;
}

/** A question reduced to what is looked up. */
export interface Fingerprint {
  /** Names the group of questions that may share answers: 32 hexadecimal digits. */
  readonly partition: string;
  /** Names this very question in it. */
  readonly id: string;
  /** The prompt as it is compared: Unicode NFC, white space folded. */
  readonly text: string;
}

/** Longest prompt that is cached, in characters. */
export const PROMPT_CHARS_MAX = 100_000;
const SHORT_DIGEST = 32;
/** ASCII words with single spaces between them: already in normal form, as most prompts are. */
const PLAIN = /^[\x21-\x7E]+(?: [\x21-\x7E]+)*$/;

/**
 * Reduces a question to its keys. Prompts that differ only in Unicode composition or white space have one id; letter case
 * counts, since "us" and "US" are two things.
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

/** A question is looked up, looked up again by meaning, and stored: its keys are made once. */
const fingerprints = new WeakMap<Question, Fingerprint>();

function makeFingerprint(question: string | Question): Fingerprint {
  const { prompt, within } = typeof question === "string" ? { prompt: question, within: undefined } : (question ?? {});
  if (typeof prompt !== "string" || prompt.length > PROMPT_CHARS_MAX || !prompt.isWellFormed()) {
    refuse("prompt", `a well-formed string of at most ${PROMPT_CHARS_MAX} characters`, prompt, "invalid_input");
  }
  const text = PLAIN.test(prompt) ? prompt : prompt.normalize("NFC").replaceAll(/\s+/gu, " ").trim();
  if (text === "") refuse("prompt", "a string with something in it", "", "invalid_input");
  const partition = partitionOf(within);
  return { partition, id: hash("sha256", `${partition}\n${text}`).slice(0, SHORT_DIGEST), text };
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
