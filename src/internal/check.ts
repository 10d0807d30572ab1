import { MarrowError, type ErrorCode } from "../errors.ts";
import { describe } from "./describe.ts";

/** Range for {@link checkInteger}, both ends included. */
export interface Range {
  readonly min: number;
  readonly max?: number | undefined;
}

/** Throws the error for a value, with its field, the expected value and the kind of value received. */
export function refuse(path: string, expected: string, got: unknown, code: ErrorCode = "invalid_option"): never {
  throw new MarrowError(code, `${path} must be ${expected}, got ${describe(got)}`, { details: { path } });
}

/** Returns the value if it is a safe integer in the range. @throws MarrowError `invalid_option` */
export function checkInteger(
  path: string,
  value: unknown,
  { min, max = Number.MAX_SAFE_INTEGER }: Range,
  code?: ErrorCode,
): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return refuse(path, `an integer ${range}`, value, code);
}

/** Returns the value if it is a finite number in the range. @throws MarrowError `invalid_option` */
export function checkNumber(path: string, value: unknown, { min, max = Infinity }: Range, code?: ErrorCode): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return value;
  return refuse(path, max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`, value, code);
}

/** Returns the value if it is a well-formed, non-empty string of at most `maxLength` UTF-16 units. @throws MarrowError `invalid_option` */
export function checkText(path: string, value: unknown, maxLength = 1024, code?: ErrorCode): string {
  if (typeof value === "string" && value !== "" && value.length <= maxLength && value.isWellFormed()) return value;
  return refuse(path, `a well-formed string of 1 to ${maxLength} characters`, value, code);
}

/** Returns the value if it is one of the given strings. @throws MarrowError `invalid_option` */
export function checkOneOf<T extends string>(path: string, value: unknown, allowed: readonly T[], code?: ErrorCode): T {
  if (typeof value === "string" && (allowed as readonly string[]).includes(value)) return value as T;
  return refuse(path, `one of ${allowed.join(", ")}`, value, code);
}

/** Returns the value if it is an object and not a list. @throws MarrowError `invalid_input` */
export function checkObject<T extends object>(path: string, value: T): T {
  if (typeof value === "object" && (value as unknown) !== null && !Array.isArray(value)) return value;
  return refuse(path, "an object", value, "invalid_input");
}
