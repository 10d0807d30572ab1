import { refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { encodeRecordBody } from "../redis/index.ts";

/**
 * A value as a record. Its JSON is what counts for its bound, not what compression makes of it: whoever reads it holds the whole.
 * @throws MarrowError `invalid_input` for what is no JSON, `too_large` over the bound
 */
export function encodeBounded(name: string, value: unknown, bytesMax: number): Buffer {
  const json = encodeWritable(name, value, (one) => Buffer.from(JSON.stringify(one)));
  if (json.length > bytesMax) refuse(name, `a JSON value of at most ${bytesMax} bytes`, value, "too_large");
  return encodeRecordBody(json);
}
