import { MarrowError } from "../../errors.ts";
import { sizeOf, toJsonWords } from "../../internal/json-pieces.ts";
import { LongText } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import {
  createRecorder,
  createRoomTaker,
  growthOf,
  type ChatChunk,
  type ChatCompletion,
  type Recorder,
  type RoomShare,
  type RoomTaker,
} from "../../models/index.ts";
import type { ChatOutcome, Provenance } from "../call.ts";
import { CACHE_CONTROL_DEFAULT } from "../cache-control.ts";
import type { FlowKit } from "../kit.ts";
import { weightOf } from "../plain-chunk.ts";
import type { RecordedShare } from "../recordings.ts";
import { wantsUsage } from "../replay.ts";
import { NOTHING_USED } from "../spending.ts";
import { afterSaid, readAlong, recorded, toChunks, toEventStream, withNewId, type Sharing } from "../together.ts";
import { askWhole } from "./ask.ts";
import { untilEnded, watchEnding } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import { keepShed } from "./finish.ts";
import { join } from "./join.ts";
import { openPlace, type Place } from "./place.ts";

/** Memory of a character of an answer that is put together of its chunks. */
const CHAR_BYTES = 2;

/** Returns the answer of another request's flight. */
export async function share(
  kit: FlowKit,
  exchange: Exchange,
  provenance: Provenance,
  asking: Sharing,
): Promise<ChatOutcome> {
  const { settle, freePlace } = kit;
  const { request } = exchange;
  const place = openPlace(kit, exchange, true);
  const client = heedClient(exchange);
  const ending = watchEnding({ ...exchange, signal: client.signal });
  const room = oneShare(place.room);
  const taker = createRoomTaker({ room, signal: ending.signal }, Infinity);
  const shared = untilEnded(sharing(kit, exchange, asking, { room, taker, hand: place.hand }), ending);
  const chunks = orWithdrawn(exchange, inTurns(shared));
  const recorder = createRecorder(request.model);
  try {
    // A failure before the first part is the request's, not the stream's.
    const first = await chunks.next();
    if (request.stream === true) {
      client.ignore();
      const stream = toEventStream(chunks, first, wantsUsage(request), () => {
        freePlace(exchange.decision);
        if (exchange.session !== undefined || exchange.keeps === true) return true;
        settle(exchange.decision, NOTHING_USED);
        return false;
      });
      place.hand();
      return { kind: "stream", stream, provenance };
    }
    let weight = 0;
    for (let next = first; next.done !== true; next = await chunks.next()) {
      weight += weightOfMerged(next.value);
      recorder.add([next.value]);
      const wait = taker.grew(weight);
      if (wait !== undefined)
        await wait.catch((error: unknown) => {
          throw ending.signal?.aborted === true ? ending.error() : error;
        });
    }
    await taker.ended(weight);
    client.ignore();
  } catch (error) {
    client.ignore();
    place.close();
    // Ends them too, if they did not fail themselves.
    await chunks.throw(error).catch(() => {});
    settle(exchange.decision, NOTHING_USED);
    throw error;
  }
  const words = await toJsonWords(withNewId(recorder.completion()));
  place.hand();
  return { kind: "whole", text: String(words), pieces: words instanceof LongText ? words : undefined, provenance };
}

/** The end of a request, also by its client: one that left, whose answer no session and no caller stores, waits no longer. The cache has it from its leader. */
function heedClient({ gone, session, keeps, signal }: Exchange): {
  readonly signal: AbortSignal | undefined;
  /** The client is not heeded any more. */
  ignore(): void;
} {
  if (gone === undefined || session !== undefined || keeps === true) return { signal, ignore() {} };
  const left = new AbortController();
  const leave = () => left.abort();
  if (gone.aborted) leave();
  else gone.addEventListener("abort", leave, { once: true });
  return {
    signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
    ignore: () => gone.removeEventListener("abort", leave),
  };
}

/** What a follower reads, and an answer that it has to ask for itself to go on, take one share of the room: a second one could wait for the first. */
function oneShare(room: Place["room"]): Place["room"] {
  let one: RoomShare | undefined;
  return (
    room &&
    (() => {
      const own = (one ??= room());
      return { take: (bytes, signal) => own.take(bytes, signal), close() {} };
    })
  );
}

/** What a chunk adds to an answer that is put together: pieces of its text become one. */
function weightOfMerged(chunk: ChatChunk): number {
  const growth = growthOf(chunk);
  return growth === undefined ? weightOf([chunk]) : growth.text.length * CHAR_BYTES;
}

/** Lets other work run between the chunks, of which a whole answer has many at once. */
async function* inTurns(chunks: AsyncGenerator<ChatChunk>): AsyncGenerator<ChatChunk> {
  const slice = createTimeSlice();
  for await (const chunk of chunks) {
    yield chunk;
    const rest = slice();
    if (rest !== undefined) await rest;
  }
}

/** Yields an answer, and removes its question from the session if it breaks. */
async function* orWithdrawn({ keeping }: Exchange, chunks: AsyncGenerator<ChatChunk>): AsyncGenerator<ChatChunk> {
  try {
    yield* chunks;
  } catch (error) {
    void keeping.withdraw();
    throw error;
  }
}

/**
 * Yields another request's chunks. If its leader is gone, joins again; it may have to call the model itself, and continues after the text
 * sent so far.
 */
async function* sharing(kit: FlowKit, exchange: Exchange, asking: Sharing, place: Shared): AsyncGenerator<ChatChunk> {
  const recorder = createRecorder(exchange.request.model);
  let shedding: Promise<unknown> | undefined;
  const recording = kit.recordings.open(() => {
    shedding = keepShed(kit, exchange, recorder.completion()).catch(() => {});
    recorder.drop();
  });
  try {
    yield* following(kit, exchange, asking, { recorder, recording, place, isShed: () => shedding !== undefined });
  } finally {
    recording.close();
    await shedding;
  }
}

/** Memory of a follower's answer. */
interface Shared extends Pick<Place, "room" | "hand"> {
  readonly taker: RoomTaker;
}

/** Recording of a follower. */
interface Following {
  readonly recorder: Recorder;
  readonly recording: RecordedShare;
  readonly place: Shared;
  readonly isShed: () => boolean;
}

async function* following(
  kit: FlowKit,
  exchange: Exchange,
  asking: Sharing,
  { recorder, recording, place, isShed }: Following,
): AsyncGenerator<ChatChunk> {
  /** An answer that another request read, or that was stored, is held for this one until its client has it. */
  const onWhole = async (completion: ChatCompletion) => {
    const isStream = exchange.request.stream === true;
    await place.taker.knows((isStream ? 1 : CHAR_BYTES) * sizeOf(completion));
    if (isStream) place.hand();
  };
  const onRead = (chunk: ChatChunk) => recording.add(weightOf([chunk]));
  if (asking.role === "made") {
    await onWhole(asking.completion);
    yield* recorded(toChunks(asking.completion), recorder);
  } else if (!(yield* readAlong(asking, { recorder, onRead, onWhole }))) {
    if (isShed())
      throw new MarrowError("model_failed", "the answer was interrupted, and was not recorded to go on from");
    const said = recorder.completion().choices[0]?.message;
    const anew = await join(kit, exchange.question, CACHE_CONTROL_DEFAULT, undefined, exchange.user);
    if (anew?.role === "follow" || anew?.role === "made") {
      yield* afterSaid(said, sharing(kit, exchange, anew, place));
      return;
    }
    const { stream: _, stream_options: __, ...request } = exchange.request;
    const alone = { ...exchange, request, body: undefined };
    const { completion } = await askWhole(kit, alone, anew, { signal: exchange.signal, room: place.room }).catch(
      async (error) => {
        await anew?.fail(error);
        throw error;
      },
    );
    if (exchange.request.stream === true) place.hand();
    yield* afterSaid(said, toChunks(completion));
    return;
  }
  kit.settle(exchange.decision, NOTHING_USED);
  kit.shared(exchange, () => recorder.completion());
  if (isShed()) return;
  const message = recorder.completion().choices[0]?.message;
  if (message !== undefined) await exchange.keeping.keep(message);
}
