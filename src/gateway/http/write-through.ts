import type { ServerResponse } from "node:http";
import type { AnswerStream } from "../../flow/index.ts";
import { pushTo, type Pushing } from "../../internal/push.ts";
import type { Alive } from "./alive.ts";
import type { Draining } from "./draining.ts";
import { openOutlet } from "./outlet.ts";
import { recordingOf } from "./recording.ts";

/** Says a stream in another API's words. */
export interface Translation {
  /** What is written for some bytes of the stream; nothing for an empty text. */
  read(bytes: Uint8Array): string;
  /** What is written at the end of a stream that is whole. */
  end(): string;
}

/**
 * Writes a stream's bytes as they come, or their translation, and ends the answer. A slow reader pauses the stream, and one who left abandons it.
 * `tellBroken` says what is written where the stream breaks: its status is long sent.
 */
export async function writeThrough(
  raw: ServerResponse,
  stream: AnswerStream,
  {
    alive,
    track,
    translation,
    tellBroken,
  }: Pick<Draining, "track"> & {
    readonly alive: Alive | undefined;
    readonly translation?: Translation;
    readonly tellBroken: (error: unknown) => string;
  },
): Promise<void> {
  const over = Promise.withResolvers<void>();
  let source: Pushing | undefined;
  let isBroken = false;
  const outlet = openOutlet(raw, () => {
    source?.pause();
    track(stream.abandon());
    over.resolve();
  });
  if (outlet.gone) return alive?.stop();
  source = pushTo(stream[Symbol.asyncIterator](), {
    take(bytes) {
      if (outlet.gone) return;
      const said = translation === undefined ? bytes : translated(translation, bytes);
      if (said.length === 0) return;
      alive?.touch();
      const slow = outlet.write(said);
      if (slow === undefined) return;
      source?.pause();
      void slow.then(() => source?.resume());
    },
    end: over.resolve,
    fail: over.reject,
  });

  /** What breaks here breaks the answer; the stream is of no use to its client then. */
  function translated(into: Translation, bytes: Uint8Array): string {
    try {
      return isBroken ? "" : into.read(bytes);
    } catch (error) {
      isBroken = true;
      over.reject(error);
      track(stream.abandon());
      return "";
    }
  }

  source.resume();
  try {
    await over.promise;
    const last = translation?.end() ?? "";
    if (last !== "") void outlet.write(last);
  } catch (error) {
    recordingOf(raw)?.fail();
    void outlet.write(tellBroken(error));
  }
  alive?.stop();
  outlet.end();
}
