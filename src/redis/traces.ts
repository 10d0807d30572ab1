import { carriedContext, type Carrier } from "../internal/signals.ts";
import type { Redis } from "./connection.ts";

/** Time that the trace of waiting work is kept beyond its delay, in milliseconds. */
export const TRACE_MS = 86_400_000;
/** Longest trace context that is stored, in characters. */
const CARRIER_CHARS_MAX = 1_024;
/** Most items of one call whose trace is stored. */
const KEPT_MAX = 10_000;

/** Serializes the current trace context; empty if there is none or it is too long. */
export function carrierText(): string {
  const carrier = JSON.stringify(carriedContext());
  return carrier === "{}" || carrier.length > CARRIER_CHARS_MAX ? "" : carrier;
}

/**
 * Stores the trace context of pushed jobs or a sent message, under `<start>:trace:<id>`, before the work itself is sent. Callers need not
 * wait: a failure affects only the trace.
 */
export function keepTraces(
  redis: Pick<Redis, "send">,
  start: string,
  ids: readonly string[],
  delayMs: number = 0,
): void {
  const carrier = carrierText();
  if (carrier === "") return;
  for (const id of ids.slice(0, KEPT_MAX))
    redis.send(["SET", `${start}:trace:${id}`, carrier, "PX", String(TRACE_MS + delayMs)]).catch(() => {});
}

/** Reads the trace context in which work was queued; empty if it is not known. One round trip. */
export async function readTrace(redis: Pick<Redis, "send">, start: string, id: string): Promise<Carrier> {
  try {
    const stored = await redis.send(["GET", `${start}:trace:${id}`]);
    const carrier: unknown = stored === null ? {} : JSON.parse(String(stored));
    return typeof carrier === "object" && carrier !== null ? (carrier as Carrier) : {};
  } catch {
    return {};
  }
}
