import type { ServerResponse } from "node:http";
import { isHeard, signalsOf, type GatewayStreamSignal } from "../../internal/signals.ts";

/** Arrival time of an answer's request. */
const CAME = Symbol("came");
type Timed = ServerResponse & { [CAME]?: number };

/** Records the time of a request, for the signal of its stream. */
export function noteArrival(raw: ServerResponse): void {
  if (isHeard("gateway:stream")) (raw as Timed)[CAME] = performance.now();
}

/** Publishes a stream from its start; `undefined` without subscribers. */
export function tellStream(raw: ServerResponse): { wrote(): void; over(): void } | undefined {
  if (!isHeard("gateway:stream")) return undefined;
  const channel = signalsOf("gateway:stream");
  const cameMs = (raw as Timed)[CAME] ?? performance.now();
  const signal: GatewayStreamSignal = { firstMs: undefined };
  let isOver = false;
  channel.start.publish(signal);
  channel.end.publish(signal);
  return {
    wrote() {
      signal.firstMs ??= performance.now() - cameMs;
    },
    over() {
      if (isOver) return;
      isOver = true;
      channel.asyncStart.publish(signal);
      channel.asyncEnd.publish(signal);
    },
  };
}
