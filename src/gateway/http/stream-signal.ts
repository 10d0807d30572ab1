import type { ServerResponse } from "node:http";
import { isHeard, signalsOf, type GatewayStreamSignal } from "../../internal/signals.ts";

/** When requests came whose answers may be streams. */
const arrivals = new WeakMap<ServerResponse, number>();

/** Notes when a request came, for the signal of its stream. */
export function noteArrival(raw: ServerResponse): void {
  if (isHeard("gateway:stream")) arrivals.set(raw, performance.now());
}

/** Tells of a stream from its opening on; `undefined` while nobody listens. */
export function tellStream(raw: ServerResponse): { wrote(): void; over(): void } | undefined {
  if (!isHeard("gateway:stream")) return undefined;
  const channel = signalsOf("gateway:stream");
  const cameMs = arrivals.get(raw) ?? performance.now();
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
