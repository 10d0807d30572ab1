import { MarrowError } from "../errors.ts";
import type { Command, Redis, ScopedRedis, SendOptions } from "../redis/index.ts";

/**
 * Wraps a connection to lose its nth command, counted from 1: before it reaches Redis, or after it ran and before its reply arrives. Lose
 * each command in turn to test code that must survive it.
 */
export function losing<R extends Redis | ScopedRedis>(
  redis: R,
  nth: number,
  when: "before" | "after",
): R & { readonly sent: () => number } {
  let sent = 0;
  const send = async (command: Command, options?: SendOptions) => {
    sent += 1;
    if (sent !== nth) return redis.send(command, options);
    if (when === "after") await redis.send(command, options);
    throw new MarrowError("unavailable", "the test lost this command", { details: { mayHaveRun: when === "after" } });
  };
  return {
    ...redis,
    send,
    pipeline: (commands: readonly Command[], options?: SendOptions) =>
      Promise.all(commands.map((command) => send(command, options).catch((error: unknown) => error as Error))),
    sent: () => sent,
  } as unknown as R & { readonly sent: () => number };
}
