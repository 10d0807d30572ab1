import type { ServerResponse } from "node:http";
import type { AnswerStream } from "../../flow/index.ts";
import { pushTo, type Pushing } from "../../internal/push.ts";
import type { Alive } from "./alive.ts";
import type { Draining } from "./draining.ts";
import { openOutlet } from "./outlet.ts";
import { recordingOf } from "./recording.ts";

/** Translates a stream to another API. */
export interface Translation {
  /** Returns the text for some bytes of the stream; an empty one writes nothing. */
  read(bytes: Uint8Array): string;
  /** Returns the text for the end of a complete stream. */
  end(): string;
}

/**
 * Writes a stream's bytes, or their translation, and ends the response. A slow reader pauses the stream; one that left abandons it.
 * `tellBroken` returns the text for a broken stream, whose status was already sent.
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

  /** An error here breaks the answer, because its client cannot use the rest. */
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
