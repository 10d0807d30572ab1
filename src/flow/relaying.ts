import type { ChatCompletion, StreamPart } from "../models/index.ts";
import type { AnswerStream } from "./call.ts";
import type { Leaving } from "./leaving.ts";
import { createRecorder } from "./recorder.ts";
import type { Leading } from "./together.ts";

/** A model's stream, and what is done with it. */
export interface Relayed {
  readonly model: string;
  readonly parts: AsyncIterable<StreamPart>;
  readonly lead: Leading | undefined;
  readonly leaving: Leaving;
  /** Whether a failure is this request's alone, so that one of those who read along asks in its place. */
  readonly isOwn: (error: unknown) => boolean;
  /** The bytes of a part that the client is given. */
  readonly shown: (part: StreamPart) => Uint8Array;
  /** Keeps the whole answer, before its last bytes are handed over. */
  readonly finish: (completion: ChatCompletion) => Promise<unknown>;
  /** Keeps what came of an answer that broke off. */
  readonly keepPartial: (completion: ChatCompletion) => Promise<void>;
}

/** Hands a model's stream on while it is recorded; who stops reading does not stop it, and who reads slowly keeps nobody waiting. */
export function relay({ model, parts, lead, leaving, isOwn, shown, finish, keepPartial }: Relayed): AnswerStream {
  const source = parts[Symbol.asyncIterator]();
  const recorder = createRecorder(model);
  const ahead: Uint8Array[] = [];
  let stepping: Promise<void> | undefined;
  let broken: { readonly error: unknown } | undefined;
  let over = false;

  /** Takes one part from the model. */
  async function step(): Promise<void> {
    try {
      const { done, value } = await source.next();
      if (done === true) {
        over = true;
        return;
      }
      recorder.add(value.chunks);
      lead?.add({ chunks: value.chunks });
      if (value.done) {
        over = true;
        leaving.close();
        await Promise.all([finish(recorder.completion()), lead?.end()]);
      }
      const bytes = shown(value);
      if (bytes.length > 0) ahead.push(bytes);
    } catch (error) {
      if (!over) await keepPartial(recorder.completion());
      over = true;
      broken = { error };
      await (isOwn(error) ? lead?.leave() : lead?.fail(error));
    } finally {
      stepping = undefined;
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
