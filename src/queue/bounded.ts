import { refuse } from "../internal/check.ts";
import { isCertainlyOver } from "../internal/json-pieces.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { encodeRecordBody } from "../redis/index.ts";

/**
 * Encodes a value as a record. The bound applies to its JSON before compression, because a reader holds all of it in memory.
 * @throws MarrowError `invalid_input` for a value that is not JSON, `too_large` over the bound
 */
export function encodeBounded(name: string, value: unknown, bytesMax: number): Buffer {
  const json = encodeWritable(name, value, (one) =>
    isCertainlyOver(one, bytesMax) ? undefined : Buffer.from(JSON.stringify(one)),
  );
  if (json === undefined || json.length > bytesMax)
    refuse(name, `a JSON value of at most ${bytesMax} bytes`, value, "too_large");
  return encodeRecordBody(json);
}
