import { checkNumber, checkText, refuse } from "../../internal/check.ts";
import type { Fingerprint } from "../question.ts";

/** A missed question and the entries that may answer it, as JSON for a queue. Contains the user's words. */
export interface JudgeJob {
  readonly question: Fingerprint;
  /** Ids of entries, nearest first. */
  readonly entries: readonly string[];
  /** Digest of each entry at the time of the miss. An entry that was stored again since has another one. */
  readonly versions: readonly string[];
  /** Time of the question, in Unix milliseconds. If its user was forgotten since, nothing is stored. */
  readonly askedAtMs: number;
  /** Subject of the question, for `forgetSubject`. */
  readonly subject?: string | undefined;
}

const ENTRIES_MAX = 8;
const TEXT_MAX = 1_000_000;

/** Checks a job from a queue. @throws MarrowError `invalid_input` */
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
