import { MarrowError } from "../errors.ts";
import { pushTo } from "../internal/push.ts";
import type { ChatCompletion, ModelStream, StreamPart } from "../models/index.ts";
import type { AnswerStream } from "./call.ts";
import { createHandover } from "./handover.ts";
import type { Leaving } from "./leaving.ts";
import { foldGrowth, foldTold, piecesOf, weightOf, weightOfGrowth } from "./plain-chunk.ts";
import { createRecorder } from "./recorder.ts";
import type { Recordings } from "./recordings.ts";
import type { Leading } from "./together.ts";

/** A model's stream, and what is done with it. */
export interface Relayed {
  readonly model: string;
  readonly parts: ModelStream;
  readonly lead: Leading | undefined;
  readonly leaving: Leaving;
  readonly recordings: Recordings;
  /** Whether the answer is of no use without all of it: where there is no room to record it, it fails. */
  readonly needsWhole: boolean;
  /** Whether a failure is this request's alone, so that one of those who read along asks in its place. */
  readonly isOwn: (error: unknown) => boolean;
  /** The bytes of a part that the client is given. */
  readonly shown: (part: StreamPart) => Uint8Array;
  /** Keeps the whole answer, before its last bytes are handed over. */
  readonly finish: (completion: ChatCompletion) => Promise<unknown>;
  /** Keeps what came of an answer that broke off. */
  readonly keepPartial: (completion: ChatCompletion) => Promise<void>;
  /** Keeps what came of an answer that is recorded no further. */
  readonly keepShed: (completion: ChatCompletion) => Promise<void>;
  /** Settles what an answer used that was recorded no further; it has no text. */
  readonly spend: (completion: ChatCompletion) => void;
}

/**
 * Hands a model's stream on while it is recorded; who stops reading does not stop it, and who reads slowly keeps nobody waiting. Where the
 * process has no room to record it further, the stream goes on, its session keeps what was recorded, and nobody reads along any more.
 */
export function relay(relayed: Relayed): AnswerStream {
  const { model, parts, lead, leaving, isOwn, shown, needsWhole } = relayed;
  const recorder = createRecorder(model);
  const share = relayed.recordings.open(shed);
  const outlet = createHandover(regulate);
  let shedding: Promise<void> | undefined;
  /** `ending`: nothing more is taken from the model, and what follows its last part is under way. */
  let state: "open" | "ending" | "over" = "open";
  let [isFlowing, isDraining] = [false, false];
  const ended = Promise.withResolvers<void>();
  const source = pushTo(parts[Symbol.asyncIterator](), {
    take,
    end: () => state === "open" && settle(),
    fail: (error) => void breakOff(error),
  });

  function shed(): void {
    const said = recorder.completion();
    recorder.drop();
    // What fails of it is told by the roles themselves.
    shedding = Promise.all([relayed.keepShed(said), lead?.leave()]).then(
      () => {},
      () => {},
    );
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

  /** Records a part, and tells those who read along. */
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

  /** Takes one part from the model. */
  function take(part: StreamPart): void {
    if (state !== "open") return;
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

  /** Keeps the answer, then hands its last part over. */
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

  /** Ends an answer that broke: what came of it is kept. */
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
    // What broke here and not at the model would leave its call open, unread, with its place.
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
    share.close();
    leaving.close();
    outlet.end(broken);
    ended.resolve();
  }

  /** Takes from the model what somebody waits for: who reads this stream, those who read along, or who keeps the answer. */
  function regulate(): void {
    if (state !== "open") return;
    if (needsWhole && shedding !== undefined) return void breakOff(noRoom());
    const isWanted = isDraining || outlet.isWaiting();
    if (isWanted === isFlowing) return;
    isFlowing = isWanted;
    if (isWanted) source.resume();
    else source.pause();
  }

  function drain(): void {
    isDraining = true;
    regulate();
  }

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
