import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { Readiness } from "./readiness.ts";

/** Interval of the checks for missing rights, in milliseconds. */
const LOOK_MS = 1_000;

/** Reports once when the user of Redis loses rights, and when they are back. */
export interface RightsWatch {
  /** Checks for missing rights after a refusal, unless a check is running. */
  look(): void;
  close(): void;
}

/** Makes a watch that only checks after a refusal, until all rights are back. Calls `onLost` once for each right until then. */
export function watchRights(
  missing: () => Promise<readonly string[]>,
  { onLost, onBack }: { readonly onLost: (rights: readonly string[]) => void; readonly onBack: () => void },
): RightsWatch {
  const told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const now = await missing();
    const fresh = now.filter((right) => !told.has(right));
    for (const right of fresh) told.add(right);
    if (fresh.length > 0) onLost(fresh);
    if (now.length > 0 || timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    if (told.size > 0) onBack();
    told.clear();
  }

  return {
    look() {
      if (timer !== undefined) return;
      const again = () => void look().catch(() => {});
      timer = setInterval(again, LOOK_MS).unref();
      again();
    },
    close() {
      clearInterval(timer);
    },
  };
}

/** Logs missing rights of an application's Redis users, after a response failed or a role was skipped for that reason. */
export function tellRights(app: FastifyInstance, places: readonly (() => Promise<Readiness>)[]): RightsWatch {
  const watch = watchRights(
    async () =>
      (await Promise.all(places.map((place) => place()))).flatMap((now) => (now.ready ? [] : (now.missing ?? []))),
    {
      onLost: (missing) =>
        app.log.error({ missing }, "the user of Redis lacks rights: chats go on without what needs them"),
      onBack: () => app.log.info("the user of Redis has its rights again"),
    },
  );
  app.addHook("onError", (_request, _reply, error, done) => {
    if (MarrowError.is(error, "redis_denied")) watch.look();
    done();
  });
  app.addHook("onClose", async () => watch.close());
  return watch;
}
