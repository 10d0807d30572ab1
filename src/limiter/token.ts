import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { COST_MAX, SCALE } from "./options.ts";
import type { Asked } from "./asked.ts";

/** State of a permit, for another process that settles it. */
export interface PermitState {
  /** Identifies the rules' counts. A permit of rules that have changed since settles nothing. */
  readonly rules: number;
  readonly takenAtMs: number;
  readonly id: string;
  /** Whether tokens and cost are held by a lease. */
  readonly reserved: boolean;
  readonly asked: Asked;
  /** The value of each subject, in the order of the rules. */
  readonly subjects: readonly string[];
}

const VERSION = 1;
/** Longest text of a permit, in characters. */
export const TOKEN_CHARS_MAX = 16_384;
const ID = /^[\w-]{8,32}$/;

/** Writes a permit as text: base64url of JSON. It is neither secret nor signed: a caller that may settle may write one. */
export function toToken({ rules, takenAtMs, id, reserved, asked, subjects }: PermitState): string {
  const { requests, tokens, cost, concurrency } = asked;
  const units = [requests, tokens, cost, concurrency];
  return Buffer.from(JSON.stringify([VERSION, rules, takenAtMs, id, reserved ? 1 : 0, units, subjects])).toString(
    "base64url",
  );
}

/** Reads a permit's text. @throws MarrowError `invalid_input` for text that no limiter wrote, `conflict` for a permit of other rules */
export function readToken(token: string, rules: number, subjects: number): PermitState {
  if (typeof token !== "string" || token.length > TOKEN_CHARS_MAX)
    refuse("permit", `a permit of at most ${TOKEN_CHARS_MAX} characters`, token, "invalid_input");
  const read = parse(token);
  if (read === undefined)
    throw new MarrowError("invalid_input", "permit: this text is not a permit of this limiter", {
      details: { path: "permit" },
    });
  if (read.rules !== rules || read.subjects.length !== subjects)
    throw new MarrowError("conflict", "permit: the limiter's rules have changed since this permit was issued", {
      details: { path: "permit" },
    });
  return read;
}

function parse(token: string): PermitState | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 7 || parts[0] !== VERSION) return undefined;
  const [, rules, takenAtMs, id, reserved, units, subjects] = parts as readonly unknown[];
  if (!isCount(rules) || !isCount(takenAtMs) || typeof id !== "string" || !ID.test(id)) return undefined;
  if (!Array.isArray(units) || units.length !== 4 || !units.every((one) => isCount(one) && one <= COST_MAX * SCALE))
    return undefined;
  if (!Array.isArray(subjects) || !subjects.every((one) => typeof one === "string")) return undefined;
  const [requests, tokens, cost, concurrency] = units as [number, number, number, number];
  const asked = { requests, tokens, cost, concurrency };
  return { rules, takenAtMs, id, reserved: reserved === 1, asked, subjects };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
