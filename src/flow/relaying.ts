import { MarrowError } from "../errors.ts";
import { pushTo } from "../internal/push.ts";
import { createRecorder, type ChatCompletion, type ModelStream, type StreamPart } from "../models/index.ts";
import type { AnswerStream } from "./call.ts";
import { createHandover } from "./handover.ts";
import type { Departure, Leaving } from "./leaving.ts";
import { foldGrowth, foldTold, piecesOf, weightOf, weightOfGrowth } from "./plain-chunk.ts";
import type { Recordings } from "./recordings.ts";
import type { Leading } from "./together.ts";
import type { Ending } from "./stages/ending.ts";
import { noteStep } from "../internal/steps.ts";
import { createTurnPacer } from "../internal/time-slice.ts";

/** A model's stream and its consumers. */
export interface Relayed {
  readonly model: string;
  readonly parts: ModelStream;
  readonly lead: Leading | undefined;
  readonly leaving: Leaving;
  /** The caller. One that puts a whole answer together has the memory of it until its end. */
  readonly gone: Departure | undefined;
  /** The end of the request itself: it ends the stream at once, also while nothing is read from the model. */
  readonly ending: Ending;
  readonly recordings: Recordings;
  /** Whether the answer is useless unless complete: it then fails if it cannot be recorded. */
  readonly needsWhole: boolean;
  /** Returns true for a failure that concerns only this request, so that a follower takes over the call. */
  readonly isOwn: (error: unknown) => boolean;
  /** Returns the bytes of a part to send to the client. */
  readonly shown: (part: StreamPart) => Uint8Array;
  /** Stores the whole answer, before its last bytes are sent. */
  readonly finish: (completion: ChatCompletion) => Promise<unknown>;
  /** Stores the recorded part of a broken answer. */
  readonly keepPartial: (completion: ChatCompletion) => Promise<void>;
  /** Stores the recorded part of an answer that is no longer recorded. */
  readonly keepShed: (completion: ChatCompletion) => Promise<void>;
  /** Settles the usage of an answer that was not fully recorded; it has no text. */
  readonly spend: (completion: ChatCompletion) => void;
}

/** The turns of the event loop of all streams: however many are long at once, other requests are served between their parts. */
const pace = createTurnPacer();

/**
 * Passes a model's stream on while recording it. A reader that stops does not stop it, and a slow reader delays nobody. If the recording is
 * shed, the stream continues, its session stores the recorded part, and it gets no more followers.
 */
export function relay(relayed: Relayed): AnswerStream {
  const { model, parts, lead, leaving, gone, ending, isOwn, shown, needsWhole } = relayed;
  const recorder = createRecorder(model);
  const share = relayed.recordings.open(shed, needsWhole ? regulate : undefined);
  const outlet = createHandover(regulate);
  let shedding: Promise<void> | undefined;
  /** `ending`: no more parts are read from the model; the steps after its last part are running. */
  let state: "open" | "ending" | "over" = "open";
  /** `isResting`: it goes on in one of the next turns. */
  let [isFlowing, isResting, isDraining] = [false, false, false];
  const ended = Promise.withResolvers<void>();
  const source = pushTo(parts[Symbol.asyncIterator](), {
    take,
    end: () => state === "open" && settle(),
    fail: (error) => void breakOff(error),
  });

  function shed(): void {
    const said = recorder.completion();
    recorder.drop();
    // The roles report their own failures.
    shedding = Promise.all([relayed.keepShed(said), lead?.leave()]).then(
      () => {},
      () => {},
    );
    // One that waits for room takes no further part.
    if (needsWhole) queueMicrotask(regulate);
  }

  async function finish(): Promise<void> {
    if (shedding === undefined) await Promise.all([relayed.finish(recorder.completion()), lead?.end()]);
    else {
      relayed.spend(recorder.completion());
      await shedding;
    }
  }

  async function keepPartial(): Promise<void> {
    if (shedding === undefined) return relayed.keepPartial(recorder.completion());
    relayed.spend(recorder.completion());
    return shedding;
  }

  /** Records a part and passes it to followers. */
  function record(part: StreamPart): void {
    const { grows } = part;
    if (grows === undefined) {
      const { chunks } = part;
      recorder.add(chunks);
      const pieces = piecesOf(chunks);
      if (shedding === undefined) lead?.add({ chunks }, (last, told) => foldTold(last, told, pieces));
      share.add(weightOf(chunks, part.bytes.length, pieces));
      return;
    }
    recorder.grow(grows);
    if (shedding === undefined && lead?.fold((last) => foldGrowth(last, grows)) === false)
      lead.add({ chunks: part.chunks });
    share.add(weightOfGrowth(grows));
  }

  /** Handles one part from the model. */
  function take(part: StreamPart): void {
    if (state !== "open") return;
    noteStep("stream");
    try {
      record(part);
      if (part.done) return void endWith(part);
      show(part);
    } catch (error) {
      return void breakOff(error);
    }
    leaving.check();
    regulate();
  }

  function show(part: StreamPart): void {
    const bytes = shown(part);
    if (bytes.length > 0) outlet.give(bytes);
  }

  /** Stores the answer, then sends its last part. */
  async function endWith(part: StreamPart): Promise<void> {
    state = "ending";
    leaving.close();
    try {
      await finish();
      show(part);
      settle();
    } catch (error) {
      await failWith(error);
    }
  }

  /** Ends a broken answer and stores its recorded part. */
  async function breakOff(error: unknown): Promise<void> {
    if (state !== "open") return;
    state = "ending";
    source.pause();
    let told = error;
    try {
      await keepPartial();
    } catch (other) {
      told = other;
    }
    await failWith(told);
  }

  async function failWith(error: unknown): Promise<void> {
    let told = error;
    // If the failure was here and not at the model, its call must be ended too, or it would stay open unread.
    leaving.giveUp();
    try {
      if (shedding === undefined) await (isOwn(error) ? lead?.leave() : lead?.fail(error));
    } catch (other) {
      told = other;
    }
    settle({ error: told });
  }

  function settle(broken?: { readonly error: unknown }): void {
    state = "over";
    ending.signal?.removeEventListener("abort", breakAtEnd);
    if (needsWhole && broken === undefined && gone?.onEnd !== undefined) {
      share.complete();
      gone.onEnd(share.close);
    } else share.close();
    leaving.close();
    outlet.end(broken);
    ended.resolve();
  }

  /** Reads from the model only while a reader, follower or store needs more, there is room to record it, and this turn has time for it. */
  function regulate(): void {
    if (state !== "open") return;
    if (needsWhole && shedding !== undefined) return void breakOff(noRoom());
    const isWanted = (isDraining || outlet.isWaiting()) && share.hasRoom();
    if (isFlowing && (!isWanted || pace.isSpent())) {
      isFlowing = false;
      source.pause();
    }
    if (!isWanted || isFlowing || isResting) return;
    isResting = true;
    pace(goOn);
  }

  function goOn(): void {
    isResting = false;
    if (state !== "open" || !(isDraining || outlet.isWaiting())) return;
    isFlowing = true;
    source.resume();
  }

  function drain(): void {
    isDraining = true;
    regulate();
  }

  function breakAtEnd(): void {
    void breakOff(ending.error());
  }

  if (ending.signal?.aborted === true) breakAtEnd();
  else ending.signal?.addEventListener("abort", breakAtEnd, { once: true });
  void lead?.followed.then(drain);
  return {
    [Symbol.asyncIterator]: () => outlet,
    async abandon() {
      if (state === "over") return;
      outlet.leave();
      leaving.leave();
      drain();
      await ended.promise;
    },
  };
}

function noRoom(): MarrowError {
  return new MarrowError("too_large", "the answer is longer than this process can record now (recordedBytesMax)", {
    details: { path: "recordedBytesMax" },
  });
}
