import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { pause } from "../internal/pause.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import { sharedKey } from "./keys.ts";
import { holdLock } from "./scripts.gen.ts";

/** Options of a lock. */
export interface LockOptions {
  /** Time that the lock outlives its process, in milliseconds, 100 to one hour; a living process renews it. @default 10_000 */
  readonly ttlMs?: number | undefined;
  /** Longest wait for the lock, in milliseconds, up to one day. @default 0: no wait */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A lock that is held. */
export interface Held {
  /** Grows with each holder, so that the guarded resource can refuse an earlier one. */
  readonly fence: number;
  /** Aborts if the lock is lost: Redis was unavailable too long, or this process stalled. */
  readonly signal: AbortSignal;
  /** Releases the lock. Returns whether it was still held. */
  release(): Promise<boolean>;
}

const LOOK_MS = { first: 20, last: 250 } as const;

/**
 * Takes a lock across all processes of a scope; `undefined` if it was not free in time. A fail-over of Redis can give the lock to a second
 * holder while the first still has it, so pass the fence to whatever the lock guards.
 * @throws MarrowError `aborted`
 */
export async function takeLock(redis: ScopedRedis, name: string, options: LockOptions): Promise<Held | undefined> {
  const ttlMs = checkInteger("ttlMs", options.ttlMs ?? 10_000, { min: 100, max: 3_600_000 }, "invalid_input");
  const waitMs = checkInteger("waitMs", options.waitMs ?? 0, { min: 0, max: 86_400_000 }, "invalid_input");
  const lock = `${sharedKey(redis, "lock", checkText("name", name, 128, "invalid_input"))}:lock`;
  const holder = randomUUID();
  const act = async (what: "take" | "extend" | "release") =>
    (await runScript(redis, holdLock, { lock }, { holder, act: what, ttl_ms: ttlMs })) as readonly [
      number,
      string,
      number,
    ];
  const untilMs = performance.now() + waitMs;
  for (let lookMs: number = LOOK_MS.first; ; lookMs = Math.min(LOOK_MS.last, lookMs * 1.5)) {
    const [own, fence, freeMs] = await act("take");
    if (own === 1) return hold(Number(fence), ttlMs, act);
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) return undefined;
    await pause(Math.min(lookMs, Math.max(1, freeMs), leftMs), options.signal, "waiting for a lock");
  }
}

function hold(
  fence: number,
  ttlMs: number,
  act: (what: "extend" | "release") => Promise<readonly [number, string, number]>,
): Held {
  const lost = new AbortController();
  let heldUntilMs = performance.now() + ttlMs;
  const lose = () => {
    clearInterval(timer);
    clearTimeout(end);
    lost.abort(new MarrowError("conflict", "the lock is no longer held"));
  };
  let end = setTimeout(lose, ttlMs);
  const timer = setInterval(() => {
    const startMs = performance.now();
    if (startMs > heldUntilMs) return lose();
    act("extend").then(
      ([own]) => {
        if (own !== 1) return lose();
        heldUntilMs = startMs + ttlMs;
        clearTimeout(end);
        if (!lost.signal.aborted) end = setTimeout(lose, heldUntilMs - performance.now());
      },
      // It is tried again in time, or lost when its time is over.
      () => {},
    );
  }, ttlMs / 3);
  return {
    fence,
    signal: lost.signal,
    async release() {
      clearInterval(timer);
      clearTimeout(end);
      return (await act("release"))[0] === 1;
    },
  };
}
