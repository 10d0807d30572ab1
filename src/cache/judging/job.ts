import { checkNumber, checkText, refuse } from "../../internal/check.ts";
import type { Fingerprint } from "../question.ts";

/** A question that was a miss, and the entries that may hold its answer: JSON, so that it can wait in a queue. It holds the user's words. */
export interface JudgeJob {
  readonly question: Fingerprint;
  /** Ids of entries, the nearest first. */
  readonly entries: readonly string[];
  /** Digest of each of them as it was near: what was stored anew, or cleared and stored again, is another one. */
  readonly versions: readonly string[];
  /** When it was asked, in Unix milliseconds: of a user who was forgotten since nothing is kept. */
  readonly askedAtMs: number;
  /** Whose question it is, for `forgetSubject`. */
  readonly subject?: string | undefined;
}

const ENTRIES_MAX = 8;
const TEXT_MAX = 1_000_000;

/** Checks a job that came back from a queue. @throws MarrowError `invalid_input` */
export function checkJob(job: JudgeJob): JudgeJob {
  const { question, entries, versions, askedAtMs, subject } = job ?? {};
  if (typeof question !== "object" || question === null)
    refuse("job.question", "a question of a JudgeJob", question, "invalid_input");
  if (!/^[\w-]{16}$/.test(question.id))
    refuse("job.question.id", "an id of 16 characters", question.id, "invalid_input");
  if (!/^[0-9a-f]{32}$/.test(question.partition))
    refuse("job.question.partition", "32 hexadecimal digits", question.partition, "invalid_input");
  checkText("job.question.text", question.text, TEXT_MAX, "invalid_input");
  checkText("job.question.question", question.question, TEXT_MAX, "invalid_input");
  if (!Array.isArray(entries) || entries.length > ENTRIES_MAX || !entries.every((id) => /^[\w-]{16}$/.test(String(id))))
    refuse("job.entries", `a list of at most ${ENTRIES_MAX} ids`, entries, "invalid_input");
  if (
    !Array.isArray(versions) ||
    versions.length !== entries.length ||
    !versions.every((one) => /^[0-9a-f]{40}$/.test(String(one)))
  )
    refuse("job.versions", "a SHA-1 in hexadecimal for each entry", versions, "invalid_input");
  checkNumber("job.askedAtMs", askedAtMs, { min: 0 }, "invalid_input");
  if (subject !== undefined) checkText("job.subject", subject, 1_024, "invalid_input");
  return job;
}
