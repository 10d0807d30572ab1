import { Readable, Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { createPermits } from "../../internal/permits.ts";
import type { BodyArrivals } from "./body-arrivals.ts";
import { createGathering } from "./gathering.ts";
import { scopeOf } from "../tenancy/identity.ts";
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

/** Bytes that an encoded body may have beyond those of the decoded one: encodings of what cannot be compressed add a little. */
const ENCODED_SPARE_BYTES = 65_536;
/** Bytes that are decoded at once in this process, each body counted with its bound: eight bodies of the default bound. */
const DECODING_BYTES_MAX: number = 32 * 1_048_576;
/** The same for bodies of one scope: one body of the default bound is left for the others. */
const SCOPE_BYTES_MAX: number = 28 * 1_048_576;
/** Bodies that wait for their turn, and for how long, in milliseconds. */
const [WAITING_MAX, WAIT_MS] = [256, 10_000];
/** When a refused caller should try again. */
const RETRY_AFTER_MS = 1_000;

/** The encodings that are decoded, for messages. */
const KNOWN = "gzip, deflate, br or zstd";

/**
 * Decodes compressed request bodies. The route's body limit applies to the decoded bytes: decoding stops at the first byte over it, so a
 * small body cannot expand into a large one. A body is decoded once it has come whole, so that slow clients take no turn, and few at once,
 * because many small bodies expand into much together; a long one arrives once there is room among `arrivals`: others wait, scopes by turns, and are refused with `rate_limited` (429) after
 * {@link WAIT_MS}. Unknown encodings, several at once, and an encoded upload are `unsupported_media_type` (415).
 */
export function acceptEncodings(app: FastifyInstance, arrivals: BodyArrivals): void {
  const permits = createPermits({
    max: DECODING_BYTES_MAX,
    eachMax: SCOPE_BYTES_MAX,
    waitingMax: WAITING_MAX,
    refusal: () =>
      new MarrowError("rate_limited", "too many compressed bodies at once; try again shortly", {
        details: { retryAfterMs: RETRY_AFTER_MS },
      }),
  });

  async function decoded(
    request: FastifyRequest,
    encoded: Readable,
    told: number,
    { decoder, isZstd }: { readonly decoder: () => Transform; readonly isZstd: boolean },
  ): Promise<Readable> {
    const { bodyLimit: bytesMax } = request.routeOptions;
    const pieces = await gathered(encoded, bytesMax, (come, onRefused) =>
      arrivals.grew(request, encoded, { come, told: told > 0 ? told : bytesMax }, onRefused),
    );
    arrivals.arrived(request);
    const release = await permits.take(bytesMax, WAIT_MS, { owner: scopeOf(request) });
    const body = decode(Readable.from(pieces), decoder(), bytesMax, isZstd ? cutFrames() : undefined);
    return body.once("close", release);
  }

  app.addHook("preParsing", (request, _, payload, done) => {
    if (!isEncoded(request)) return done(null, payload);
    const named = encodingOf(request);
    const decoder = DECODERS.get(named);
    const upload = request.headers["content-type"]?.toLowerCase().startsWith("multipart/") === true;
    if (decoder === undefined || upload)
      return done(new MarrowError("unsupported_media_type", `content-encoding must be ${KNOWN}, on a JSON body`));
    const told = Number(request.headers["content-length"]);
    // The length was that of the encoded bytes.
    delete request.headers["content-length"];
    decoded(request, payload as Readable, told, { decoder, isZstd: named === "zstd" }).then(
      (body) => done(null, body),
      done,
    );
    return undefined;
  });
}

/** Whether the body of a request is encoded. */
export function isEncoded(request: Pick<FastifyRequest, "headers">): boolean {
  const named = encodingOf(request);
  return named !== "" && named !== "identity";
}

function encodingOf({ headers }: Pick<FastifyRequest, "headers">): string {
  return headers["content-encoding"]?.trim().toLowerCase() ?? "";
}

/** Reads an encoded body to its end. `grew` hears how much has come, and may refuse the rest. @throws MarrowError `too_large` */
function gathered(
  encoded: Readable,
  bytesMax: number,
  grew: (bytes: number, onRefused: (error: Error) => void) => void,
): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const left = () => reject(new MarrowError("aborted", "the client left before its body was read"));
    if (encoded.destroyed) return left();
    let gathering = createGathering();
    let bytes = 0;
    const stop = (error: Error) => {
      encoded.off("data", take);
      gathering = createGathering();
      reject(error);
    };
    const take = (piece: Buffer) => {
      gathering.add(piece);
      bytes += piece.length;
      if (bytes <= bytesMax + ENCODED_SPARE_BYTES) return grew(bytes, stop);
      encoded.pause();
      return stop(tooLarge(bytesMax));
    };
    encoded.on("data", take);
    encoded.once("end", () => resolve(gathering.pieces()));
    encoded.once("error", stop);
    encoded.once("close", left);
    return undefined;
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
      return done(tooLarge(bytesMax));
    },
  });
}

function tooLarge(bytesMax: number): MarrowError {
  return new MarrowError("too_large", `the decoded body is over ${bytesMax} bytes`, { details: { bytesMax } });
}
