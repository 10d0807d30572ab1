import { toJsonWords } from "../../internal/json-pieces.ts";
import { LongText } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import { createRecorder, growthOf, type ChatChunk } from "../../models/index.ts";
import type { ChatOutcome, Provenance } from "../call.ts";
import type { FlowKit } from "../kit.ts";
import { weightOf } from "../plain-chunk.ts";
import { wantsUsage } from "../replay.ts";
import { NOTHING_USED } from "../spending.ts";
import { toEventStream, withNewId, type Sharing } from "../together.ts";
import { untilEnded, watchEnding } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import { sharing } from "./following.ts";
import { openPlace } from "./place.ts";
import { openSharedRoom } from "./shared-room.ts";

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
  const room = openSharedRoom(place.room, ending.signal);
  /** Puts a whole answer together. Its pieces are those of the flight: the memory of its own begins where it is made JSON. */
  let [recorder, weight] = [createRecorder(request.model), 0];
  const shared = sharing(kit, exchange, asking, {
    room,
    hand: place.hand,
    drop: () => recorder.drop(),
    restart: () => ([recorder, weight] = [createRecorder(request.model), 0]),
  });
  const chunks = orWithdrawn(exchange, inTurns(untilEnded(shared, ending)));
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
    for (let next = first; next.done !== true; next = await chunks.next()) {
      weight += weightOfMerged(next.value);
      recorder.add([next.value]);
    }
    await room.knows(weight)?.catch((error: unknown) => {
      throw ending.signal?.aborted === true ? ending.error() : error;
    });
    await room.ended(weight);
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
