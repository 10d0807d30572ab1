import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { isCertainlyOver } from "../internal/json-pieces.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

/** Encodes a value as JSON bytes. @throws MarrowError `invalid_input` for a value that is not JSON, `too_large` */
export function toJson(path: string, value: unknown, bytesMax: number): Buffer {
  if (isCertainlyOver(value, bytesMax))
    throw new MarrowError("too_large", `${path} has more than ${bytesMax} bytes, which are allowed`, {
      details: { path, bytesMax },
    });
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new MarrowError("invalid_input", `${path} must be JSON`, { cause, details: { path } });
  }
  if (text === undefined) refuse(path, "JSON", value, "invalid_input");
  const body = Buffer.from(text);
  checkJsonBytes(path, body, bytesMax);
  return body;
}

/** Refuses JSON of too many bytes. @throws MarrowError `too_large` */
export function checkJsonBytes(path: string, { length: bytes }: Uint8Array, bytesMax: number): void {
  if (bytes > bytesMax) {
    throw new MarrowError("too_large", `${path} has ${bytes} bytes, at most ${bytesMax} are allowed`, {
      details: { path, bytes, bytesMax },
    });
  }
}
