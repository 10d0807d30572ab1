import { Transform, type Readable } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createFrameCutter } from "./zstd-frames.ts";

/** Largest window of a zstd frame that is decoded, as a power of two: 16 MiB, which bounds the decoder's memory. */
const ZSTD_WINDOW_LOG_MAX = 24;

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
  ["zstd", () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })],
]);

/** The encodings that are decoded, for messages. */
const KNOWN = "gzip, deflate, br or zstd";

/**
 * Decodes compressed request bodies. The route's body limit applies to the decoded bytes: decoding stops at the first byte over it, so a
 * small body cannot expand into a large one. Unknown encodings, several at once, and an encoded upload are `unsupported_media_type` (415).
 */
export function acceptEncodings(app: FastifyInstance): void {
  app.addHook("preParsing", (request, _, payload, done) => {
    const named = request.headers["content-encoding"]?.trim().toLowerCase() ?? "";
    if (named === "" || named === "identity") return done(null, payload);
    const decoder = DECODERS.get(named);
    const upload = request.headers["content-type"]?.toLowerCase().startsWith("multipart/") === true;
    if (decoder === undefined || upload)
      return done(new MarrowError("unsupported_media_type", `content-encoding must be ${KNOWN}, on a JSON body`));
    // The length was that of the encoded bytes.
    delete request.headers["content-length"];
    const { bodyLimit } = request.routeOptions;
    const cutter = named === "zstd" ? cutFrames() : undefined;
    return done(null, decode(payload as Readable, decoder(), bodyLimit, cutter));
  });
}

/** Node's decoder of zstd ends at the first end of a frame that lies within a piece, so pieces are cut there. */
function cutFrames(): Transform {
  const cut = createFrameCutter();
  return new Transform({
    transform(piece: Buffer, _, done) {
      try {
        for (const one of cut(piece)) this.push(one);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

function decode(encoded: Readable, decoder: Transform, bytesMax: number, cutter?: Transform): Readable {
  const bounded = boundedTo(bytesMax);
  encoded.on("error", (error) => bounded.destroy(error));
  decoder.on("error", (cause) =>
    bounded.destroy(new MarrowError("invalid_input", "the body does not match its content-encoding", { cause })),
  );
  cutter?.on("error", (error) => bounded.destroy(error));
  // A request that was refused before its body was read has no reader: without a listener the error would end the process.
  bounded.on("error", () => {});
  bounded.on("close", () => {
    encoded.unpipe(cutter ?? decoder);
    decoder.destroy();
  });
  const pieces = cutter === undefined ? encoded : encoded.pipe(cutter);
  return pieces.pipe(decoder).pipe(bounded);
}

/** Passes bytes on up to a bound; one more is an error. */
function boundedTo(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _, done) {
      bytes += piece.length;
      if (bytes <= bytesMax) return done(null, piece);
      return done(
        new MarrowError("too_large", `the decoded body is over ${bytesMax} bytes`, { details: { bytesMax } }),
      );
    },
  });
}
