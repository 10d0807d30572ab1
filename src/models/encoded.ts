import { once } from "node:events";
import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { withBody, type HttpAnswer } from "./http.ts";

const SYNC = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", () => createGunzip(SYNC)],
  ["x-gzip", () => createGunzip(SYNC)],
  ["deflate", () => createInflate(SYNC)],
  ["br", () => createBrotliDecompress()],
  ["zstd", () => createZstdDecompress()],
]);

/**
 * Decodes an answer's compressed body while it arrives, because some endpoints and proxies compress unasked. `undefined` for an unknown
 * encoding. Bounds apply to the decoded bytes.
 */
export function decoded(answer: HttpAnswer): HttpAnswer | undefined {
  const named = answer.headers["content-encoding"];
  const encoding = (Array.isArray(named) ? named.join(",") : (named ?? "")).trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return answer;
  const make = DECODERS.get(encoding);
  if (make === undefined) return undefined;
  const decoder = make();
  const pieces = decoder[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  void pump(answer, decoder);

  async function next(): Promise<Buffer | undefined> {
    const { done, value } = await pieces.next();
    return done === true ? undefined : value;
  }

  function abandon(): void {
    answer.abandon();
    decoder.destroy();
  }

  return withBody(answer, { next, abandon });
}

/** Feeds the decoder as fast as it is read. */
async function pump(answer: HttpAnswer, decoder: Transform): Promise<void> {
  const closed = once(decoder, "close").catch(() => undefined);
  try {
    for (let piece = await answer.next(); piece !== undefined; piece = await answer.next())
      if (!decoder.write(piece)) await Promise.race([once(decoder, "drain"), closed]);
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
  }
}
