import { MarrowError } from "../../errors.ts";
import { toJsonWords } from "../../internal/json-pieces.ts";
import { LongText } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import { createRecorder, type ChatChunk, type Recorder } from "../../models/index.ts";
import type { ChatOutcome, Provenance } from "../call.ts";
import { CACHE_CONTROL_DEFAULT } from "../cache-control.ts";
import type { FlowKit } from "../kit.ts";
import { weightOf } from "../plain-chunk.ts";
import type { RecordedShare } from "../recordings.ts";
import { wantsUsage } from "../replay.ts";
import { NOTHING_USED } from "../spending.ts";
import { afterSaid, readAlong, recorded, toChunks, toEventStream, withNewId, type Sharing } from "../together.ts";
import { askWhole } from "./ask.ts";
import type { Exchange } from "./exchange.ts";
import { keepShed } from "./finish.ts";
import { join } from "./join.ts";

/** Returns the answer of another request's flight. */
export async function share(
  kit: FlowKit,
  exchange: Exchange,
  provenance: Provenance,
  asking: Sharing,
): Promise<ChatOutcome> {
  const { settle, freePlace } = kit;
  const { request } = exchange;
  const shared = sharing(kit, exchange, asking);
  const chunks = orWithdrawn(exchange, inTurns(shared));
  const recorder = createRecorder(request.model);
  try {
    // A failure before the first part is the request's, not the stream's.
    const first = await chunks.next();
    if (request.stream === true) {
      const stream = toEventStream(chunks, first, wantsUsage(request), () => {
        freePlace(exchange.decision);
        if (exchange.session !== undefined || exchange.keeps === true) return true;
        settle(exchange.decision, NOTHING_USED);
        return false;
      });
      return { kind: "stream", stream, provenance };
    }
    for (let next = first; next.done !== true; next = await chunks.next()) recorder.add([next.value]);
  } catch (error) {
    settle(exchange.decision, NOTHING_USED);
    throw error;
  }
  const words = await toJsonWords(withNewId(recorder.completion()));
  return { kind: "whole", text: String(words), pieces: words instanceof LongText ? words : undefined, provenance };
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
async function* sharing(kit: FlowKit, exchange: Exchange, asking: Sharing): AsyncGenerator<ChatChunk> {
  const recorder = createRecorder(exchange.request.model);
  let shedding: Promise<unknown> | undefined;
  const room = kit.recordings.open(() => {
    shedding = keepShed(kit, exchange, recorder.completion()).catch(() => {});
    recorder.drop();
  });
  try {
    yield* following(kit, exchange, asking, { recorder, room, isShed: () => shedding !== undefined });
  } finally {
    room.close();
    await shedding;
  }
}

/** Recording of a follower. */
interface Following {
  readonly recorder: Recorder;
  readonly room: RecordedShare;
  readonly isShed: () => boolean;
}

async function* following(
  kit: FlowKit,
  exchange: Exchange,
  asking: Sharing,
  { recorder, room, isShed }: Following,
): AsyncGenerator<ChatChunk> {
  if (asking.role === "made") yield* recorded(toChunks(asking.completion), recorder);
  else if (!(yield* readAlong(asking, recorder, (chunk) => room.add(weightOf([chunk]))))) {
    if (isShed())
      throw new MarrowError("model_failed", "the answer was interrupted, and was not recorded to go on from");
    const said = recorder.completion().choices[0]?.message;
    const anew = await join(kit, exchange.question, CACHE_CONTROL_DEFAULT, undefined, exchange.user);
    if (anew?.role === "follow" || anew?.role === "made") {
      yield* afterSaid(said, sharing(kit, exchange, anew));
      return;
    }
    const { stream: _, stream_options: __, ...request } = exchange.request;
    const { completion } = await askWhole(kit, { ...exchange, request, body: undefined }, anew).catch(async (error) => {
      await anew?.fail(error);
      throw error;
    });
    yield* afterSaid(said, toChunks(completion));
    return;
  }
  kit.settle(exchange.decision, NOTHING_USED);
  kit.shared(exchange, () => recorder.completion());
  if (isShed()) return;
  const message = recorder.completion().choices[0]?.message;
  if (message !== undefined) await exchange.keeping.keep(message);
}
