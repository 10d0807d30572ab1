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

/**
 * Reduces a question to its keys. Prompts that differ only in Unicode composition or white space have one id; letter case
 * counts, since "us" and "US" are two things.
 * @throws MarrowError `invalid_input`
 */
export function toFingerprint(question: string | Question): Fingerprint {
  const { prompt, within } = typeof question === "string" ? { prompt: question, within: undefined } : (question ?? {});
  if (typeof prompt !== "string" || prompt.length > PROMPT_CHARS_MAX || !prompt.isWellFormed()) {
    refuse("prompt", `a well-formed string of at most ${PROMPT_CHARS_MAX} characters`, prompt, "invalid_input");
  }
  const text = prompt.normalize("NFC").replaceAll(/\s+/gu, " ").trim();
  if (text === "") refuse("prompt", "a string with something in it", "", "invalid_input");
  const partition = hash("sha256", toJson(within)).slice(0, SHORT_DIGEST);
  return { partition, id: hash("sha256", `${partition}\n${text}`).slice(0, SHORT_DIGEST), text };
}

function toJson(within: unknown): string {
  try {
    return canonicalJson(within);
  } catch (cause) {
    throw new MarrowError("invalid_input", "within must be JSON", { cause, details: { path: "within" } });
  }
}
