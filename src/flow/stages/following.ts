import { MarrowError } from "../../errors.ts";
import { sizeOf } from "../../internal/json-pieces.ts";
import { createRecorder, type ChatChunk, type ChatCompletion, type Recorder } from "../../models/index.ts";
import { CACHE_CONTROL_DEFAULT } from "../cache-control.ts";
import type { FlowKit } from "../kit.ts";
import { weightOf } from "../plain-chunk.ts";
import type { RecordedShare } from "../recordings.ts";
import { NOTHING_USED } from "../spending.ts";
import { afterSaid, readAlong, recorded, toChunks, type Sharing } from "../together.ts";
import { askWhole } from "./ask.ts";
import type { Exchange } from "./exchange.ts";
import { keepShed } from "./finish.ts";
import { join } from "./join.ts";
import type { Place } from "./place.ts";
import type { SharedRoom } from "./shared-room.ts";

/** Memory of a character of an answer that is put together of its chunks. */
const CHAR_BYTES = 2;

/** A follower's answer. */
export interface Shared extends Pick<Place, "hand"> {
  readonly room: SharedRoom;
  /** The memory of a whole answer is needed: its pieces so far are dropped, and read again from its flight once that has ended and there is room. */
  drop(): void;
  /** A whole answer begins anew: nothing of it was sent. */
  restart(): void;
}

/**
 * Yields another request's chunks. If its leader is gone, joins again; it may have to call the model itself, and a stream continues after the
 * text sent so far. What follows the same flight is recorded once, and a stream that is recorded no further is read on.
 */
export async function* sharing(
  kit: FlowKit,
  exchange: Exchange,
  asking: Sharing,
  place: Shared,
): AsyncGenerator<ChatChunk> {
  const recorder = createRecorder(exchange.request.model);
  const isStream = exchange.request.stream === true;
  let shedding: Promise<unknown> | undefined;
  const shed = () => {
    shedding = isStream ? keepShed(kit, exchange, recorder.completion()).catch(() => {}) : Promise.resolve();
    recorder.drop();
    if (!isStream) place.drop();
  };
  const recording = asking.role === "follow" ? kit.recordings.follow(asking.flight, shed) : kit.recordings.open(shed);
  try {
    yield* following(kit, exchange, asking, { recorder, recording, place, isShed: () => shedding !== undefined });
  } finally {
    recording.close();
    await shedding;
  }
}

/** Recording of a follower. */
interface Following {
  readonly recorder: Recorder;
  readonly recording: Pick<RecordedShare, "add">;
  readonly place: Shared;
  readonly isShed: () => boolean;
}

async function* following(
  kit: FlowKit,
  exchange: Exchange,
  asking: Sharing,
  { recorder, recording, place, isShed }: Following,
): AsyncGenerator<ChatChunk> {
  const isStream = exchange.request.stream === true;
  /** An answer that another request read, or that was stored, is held for this one until its client has it. */
  const onWhole = async (completion: ChatCompletion) => {
    await place.room.knows((isStream ? 1 : CHAR_BYTES) * sizeOf(completion));
    if (isStream) place.hand();
  };
  let weight = 0;
  const onRead = (chunk: ChatChunk) => {
    const more = weightOf([chunk]);
    weight += more;
    recording.add(more);
  };
  /** Has what was read: for a whole answer that was dropped, what is read again. */
  let reader = recorder;
  if (asking.role === "made") {
    await onWhole(asking.completion);
    yield* recorded(toChunks(asking.completion), recorder);
  } else {
    let isWhole = yield* readAlong(asking, { recorder, onRead, onWhole });
    if (isWhole && isShed() && !isStream) {
      // The flight has all of it: once there is room, it is read once more.
      place.restart();
      await place.room.knows(weight);
      reader = createRecorder(exchange.request.model);
      isWhole = yield* readAlong(asking, { recorder: reader, onRead() {}, onWhole });
    }
    if (!isWhole) {
      yield* goOn(kit, exchange, { recorder, place, isShed });
      return;
    }
  }
  kit.settle(exchange.decision, NOTHING_USED);
  kit.shared(exchange, () => reader.completion());
  if (isShed() && isStream) return;
  const message = reader.completion().choices[0]?.message;
  if (message !== undefined) await exchange.keeping.keep(message);
}

/** Gets the rest of an answer whose leader is gone. */
async function* goOn(
  kit: FlowKit,
  exchange: Exchange,
  { recorder, place, isShed }: Omit<Following, "recording">,
): AsyncGenerator<ChatChunk> {
  const isStream = exchange.request.stream === true;
  if (isShed() && isStream)
    throw new MarrowError("model_failed", "the answer was interrupted, and was not recorded to go on from");
  place.room.giveBack();
  if (!isStream) {
    recorder.drop();
    place.restart();
  }
  const said = isStream ? recorder.completion().choices[0]?.message : undefined;
  const anew = await join(kit, exchange.question, CACHE_CONTROL_DEFAULT, undefined, exchange.user);
  if (anew?.role === "follow" || anew?.role === "made") {
    yield* afterSaid(said, sharing(kit, exchange, anew, place));
    return;
  }
  const { stream: _, stream_options: __, ...request } = exchange.request;
  const alone = { ...exchange, request, body: undefined };
  const how = { signal: exchange.signal, room: place.room.room };
  const { completion } = await askWhole(kit, alone, anew, how).catch(async (error) => {
    await anew?.fail(error);
    throw error;
  });
  if (isStream) place.hand();
  yield* afterSaid(said, toChunks(completion));
}
