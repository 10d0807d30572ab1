import { MarrowError, type ErrorCode } from "../../errors.ts";
import { checkJsonBudget, type JsonBudget } from "../../internal/json-budget.ts";
import type { Unfilled } from "../../internal/exact-json.ts";
import { readUnfilled } from "./json.ts";

/** A body to parse. */
export interface JsonTask {
  readonly bytes: Uint8Array;
  readonly budget: JsonBudget;
}

/** The parsed body, or its refusal. */
export type JsonResult =
  | Unfilled
  | {
      readonly refused: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly details: Readonly<Record<string, unknown>> | undefined;
      };
    };

/** Parses a body within its bounds. Runs in a worker thread. */
export function readInThread({ bytes, budget }: JsonTask): JsonResult {
  try {
    checkJsonBudget(bytes, budget);
    return readUnfilled(bytes);
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { refused: { code: error.code, message: error.message, details: error.details } };
  }
}
