import { MarrowError } from "../errors.ts";
import type { ChatCompletion, StreamPart } from "../models/index.ts";
import type { AnswerStream } from "./call.ts";
import type { Leaving } from "./leaving.ts";
import { foldGrowth, foldTold, piecesOf, weightOf, weightOfGrowth } from "./plain-chunk.ts";
import { createRecorder } from "./recorder.ts";
import type { Recordings } from "./recordings.ts";
import type { Leading } from "./together.ts";

/** A model's stream, and what is done with it. */
export interface Relayed {
  readonly model: string;
  readonly parts: AsyncIterable<StreamPart>;
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
  const source = parts[Symbol.asyncIterator]();
  const recorder = createRecorder(model);
  const share = relayed.recordings.open(shed);
  let shedding: Promise<void> | undefined;
  const ahead: Uint8Array[] = [];
  let stepping: Promise<void> | undefined;
  let broken: { readonly error: unknown } | undefined;
  let over = false;

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
  async function step(): Promise<void> {
    try {
      if (needsWhole && shedding !== undefined) throw noRoom();
      const { done, value } = await source.next();
      if (done === true) {
        over = true;
        return;
      }
      record(value);
      if (value.done) {
        over = true;
        leaving.close();
        await finish();
      }
      const bytes = shown(value);
      if (bytes.length > 0) ahead.push(bytes);
    } catch (error) {
      if (!over) await keepPartial();
      over = true;
      broken = { error };
      // What broke here and not at the model would leave its call open, unread, with its place.
      leaving.giveUp();
      if (shedding === undefined) await (isOwn(error) ? lead?.leave() : lead?.fail(error));
    } finally {
      stepping = undefined;
      if (over) share.close();
      if (over) leaving.close();
      else leaving.check();
    }
  }

  const advance = () => (stepping ??= step());

  async function next(): Promise<IteratorResult<Uint8Array>> {
    while (ahead.length === 0 && (!over || stepping !== undefined)) await advance();
    const bytes = ahead.shift();
    if (bytes !== undefined) return { done: false, value: bytes };
    if (broken === undefined) return { done: true, value: undefined };
    const { error } = broken;
    broken = undefined;
    throw error;
  }

  async function drain(): Promise<void> {
    while (!over) await advance();
  }

  void lead?.followed.then(drain);
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    async abandon() {
      if (over) return;
      leaving.leave();
      await drain();
    },
  };
}

function noRoom(): MarrowError {
  return new MarrowError("too_large", "the answer is longer than what this process has room to record now", {
    details: { path: "recordedBytesMax" },
  });
}
