import { carriedContext, type Carrier } from "../internal/signals.ts";
import type { Redis } from "../redis/index.ts";

/** How long the trace of a job is known beyond its delay, in milliseconds. */
const TRACE_MS = 86_400_000;
/** Characters of what a trace is carried by. */
const CARRIER_CHARS_MAX = 1_024;

/** Keeps in which trace a job is pushed, sent before the job itself. Needs nobody's waiting: a job without its trace is done all the same. */
export function keepTrace(redis: Pick<Redis, "send">, queue: string, id: string, delayMs: number): void {
  const carrier = JSON.stringify(carriedContext());
  if (carrier === "{}" || carrier.length > CARRIER_CHARS_MAX) return;
  redis.send(["SET", `${queue}:trace:${id}`, carrier, "PX", String(TRACE_MS + delayMs)]).catch(() => {});
}

/** In which trace a job was pushed; empty where nobody knows. One round trip. */
export async function readTrace(redis: Pick<Redis, "send">, queue: string, id: string): Promise<Carrier> {
  try {
    const stored = await redis.send(["GET", `${queue}:trace:${id}`]);
    const carrier: unknown = stored === null ? {} : JSON.parse(String(stored));
    return typeof carrier === "object" && carrier !== null ? (carrier as Carrier) : {};
  } catch {
    return {};
  }
}
