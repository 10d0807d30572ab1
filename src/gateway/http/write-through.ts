import type { ServerResponse } from "node:http";
import type { AnswerStream } from "../../flow/index.ts";
import { pushTo, type Pushing } from "../../internal/push.ts";
import type { Alive } from "./alive.ts";
import type { Draining } from "./draining.ts";
import { openOutlet } from "./outlet.ts";
import { recordingOf } from "./recording.ts";

/**
 * Writes a stream's bytes as they come, and ends the answer. A slow reader pauses the stream, and one who left abandons it. `tellBroken` says what
 * is written where the stream breaks: its status is long sent.
 */
export async function writeThrough(
  raw: ServerResponse,
  stream: AnswerStream,
  {
    alive,
    track,
    tellBroken,
  }: Pick<Draining, "track"> & {
    readonly alive: Alive | undefined;
    readonly tellBroken: (error: unknown) => string;
  },
): Promise<void> {
  const over = Promise.withResolvers<void>();
  let source: Pushing | undefined;
  const outlet = openOutlet(raw, () => {
    source?.pause();
    track(stream.abandon());
    over.resolve();
  });
  if (outlet.gone) return alive?.stop();
  source = pushTo(stream[Symbol.asyncIterator](), {
    take(bytes) {
      if (outlet.gone) return;
      alive?.touch();
      const slow = outlet.write(bytes);
      if (slow === undefined) return;
      source?.pause();
      void slow.then(() => source?.resume());
    },
    end: over.resolve,
    fail: over.reject,
  });
  source.resume();
  try {
    await over.promise;
  } catch (error) {
    recordingOf(raw)?.fail();
    void outlet.write(tellBroken(error));
  }
  alive?.stop();
  outlet.end();
}
