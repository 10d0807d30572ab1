import { boundRounds, runScript, type ScopedRedis } from "../redis/index.ts";
import type { CacheKeys } from "./keys.ts";
import type { Cache } from "./lookup.ts";
import type { Questions } from "./questions.ts";
import { forgetSubject } from "./scripts.gen.ts";

/** Answers of a subject that one script deletes. */
const FORGOTTEN_AT_ONCE = 256;
/** Time that a subject's deletion is remembered: longer than a near miss waits for its judge. */
const FORGOTTEN_MS = 7 * 86_400_000;

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly questions: Pick<Questions, "remove">;
  /** Name of the embedder's index. */
  readonly index: string;
  readonly timeoutMs: number;
}

/** Makes `forgetSubject`, which deletes all data of one subject. */
export function createForgetting({ redis, keys, questions, index, timeoutMs }: Parts): Cache<unknown>["forgetSubject"] {
  const vectors = keys.vectors({ partition: "" }, index);
  return async (subject, onForgotten) => {
    const at = {
      subject: keys.subject(subject),
      forgotten: keys.forgotten(subject),
      bodies: keys.bodies,
      aliases: keys.aliases,
      vectors,
      ...keys.stock,
    };
    const values = { count: FORGOTTEN_AT_ONCE, kept_ms: FORGOTTEN_MS };
    const round = boundRounds("forgetting a subject");
    for (let forgotten = 0; ;) {
      round();
      const reply = await runScript(redis, forgetSubject, at, values, { timeoutMs });
      const [looked, found, ...members] = reply as [number, number, ...string[]];
      await questions.remove(members);
      onForgotten?.(members.map((member) => member.slice(0, member.indexOf("|"))));
      forgotten += found;
      if (looked < FORGOTTEN_AT_ONCE) return forgotten;
    }
  };
}
