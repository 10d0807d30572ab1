import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { Readiness } from "./readiness.ts";

/** How often a user that lacks rights is looked at, in milliseconds. */
const LOOK_MS = 1_000;

/** Tells once when the user of Redis loses rights, which, and when it has them again. */
export interface RightsWatch {
  /** Something was refused for want of rights: looks what is missing, unless it is being looked at already. */
  look(): void;
  close(): void;
}

/** Looks only after something was refused, until all is well again. `onLost` hears of each right once until then. */
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

/** Tells the log of an application about the rights of its users of Redis, after an answer failed for want of one or a role had to do without. */
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
