import { MarrowError } from "../../errors.ts";
import { allOf, encodeKeyPart, encodeRecord, readRecord, toFields, type Redis } from "../../redis/index.ts";
import { KEPT_MS } from "./api-keys.ts";
import type { Plan } from "../config/config.ts";

/** Plans, and the users that have them. Other processes see changes within {@link KEPT_MS}. */
export interface Accounts {
  /** Returns a plan by its name: stored here, or the configuration's. */
  plan(name: string | undefined): Promise<Plan | undefined>;
  plans(): Promise<ReadonlyMap<string, Plan>>;
  /** Returns the plans of a user and a key if they are cached; else `undefined`. */
  known(scope: string, user: string, keyPlan: string | undefined): KnownPlans | undefined;
  /**
   * Sets a plan for all who have it; `undefined` deletes it, and the configuration's applies again.
   * @throws MarrowError `too_large` for a new plan beyond 1,000
   */
  setPlan(name: string, plan: Plan | undefined): Promise<void>;
  /** Returns the name of a user's plan, or of the default one. */
  planOf(scope: string, user: string): Promise<string | undefined>;
  setPlanOf(scope: string, user: string, plan: string | undefined): Promise<void>;
}

/** Plans that apply to one request. */
export interface KnownPlans {
  readonly userPlan: Plan | undefined;
  readonly keyPlan: Plan | undefined;
}

/** Most plans made by the admin API: each gateway reads all of them once per second of use. Concurrent creations may exceed it slightly. */
const PLANS_MAX = 1_000;
const USERS_MAX = 10_000;
const NO_PLANS: KnownPlans = { userPlan: undefined, keyPlan: undefined };
const WAIT_MS = 500;

/** Returns the key of the hash of plans made by the admin API. */
export function plansKeyOf({ app }: Pick<Redis, "app">): string {
  return `{${encodeKeyPart("app", app)}}:gateway:plans`;
}

/** Makes the accounts: plans in the hash `{app}:gateway:plans`, users' plans in `{app:scope}:gateway:users`. */
export function createAccounts(
  redis: Redis,
  configured: { readonly plans: Readonly<Record<string, Plan>>; readonly defaultPlan?: string | undefined },
): Accounts {
  const app = encodeKeyPart("app", redis.app);
  const plansKey = plansKeyOf(redis);
  const usersKey = (scope: string) => `{${app}:${encodeKeyPart("scope", scope)}}:gateway:users`;
  const known = new Map<string, { readonly plan: string | undefined; readonly atMs: number }>();
  const own = new Map(Object.entries(configured.plans));
  let all: { readonly plans: ReadonlyMap<string, Plan>; readonly atMs: number } | undefined;

  async function plans(): Promise<ReadonlyMap<string, Plan>> {
    if (all !== undefined && performance.now() - all.atMs < KEPT_MS) return all.plans;
    const before = all?.plans ?? own;
    try {
      const reply = (await redis.send(["HGETALL", plansKey], {
        reply: "bytes",
        timeoutMs: WAIT_MS,
      })) as readonly Buffer[];
      const stored = [...toFields(reply)].flatMap(([name, record]) => {
        const read = readRecord(record);
        // An unreadable plan keeps its last known value.
        const plan = read.unreadable === undefined ? (read.value as Plan) : before.get(name);
        return plan === undefined ? [] : [[name, plan] as const];
      });
      all = { plans: new Map([...own, ...stored]), atMs: performance.now() };
    } catch {
      // While Redis is unavailable the last known plans stay.
      all = { plans: before, atMs: performance.now() };
    }
    return all.plans;
  }

  /** Returns the cached plan of a user. */
  function recall(scope: string, user: string): { readonly plan: string | undefined } | undefined {
    const kept = known.get(JSON.stringify([scope, user]));
    return kept !== undefined && performance.now() - kept.atMs < KEPT_MS ? kept : undefined;
  }

  return {
    plans,

    known(scope, user, keyPlan) {
      if (all === undefined || performance.now() - all.atMs >= KEPT_MS) return undefined;
      if (all.plans.size === 0) return NO_PLANS;
      const kept = recall(scope, user);
      if (kept === undefined) return undefined;
      const find = (name: string | undefined) => (name === undefined ? undefined : all?.plans.get(name));
      return { userPlan: find(kept.plan), keyPlan: find(keyPlan) };
    },

    plan: async (name) => (name === undefined ? undefined : (await plans()).get(name)),

    async setPlan(name, plan) {
      encodeKeyPart("plan", name);
      all = undefined;
      if (plan === undefined) {
        await redis.send(["HDEL", plansKey, name], { retry: "safe" });
        return;
      }
      const asked = [
        ["HEXISTS", plansKey, name],
        ["HLEN", plansKey],
      ];
      const [isThere, count] = allOf(await redis.pipeline(asked));
      if (isThere === 0 && Number(count) >= PLANS_MAX)
        throw new MarrowError("too_large", `at most ${PLANS_MAX} plans may exist, delete one first`, {
          details: { path: "id", plansMax: PLANS_MAX },
        });
      await redis.send(["HSET", plansKey, name, encodeRecord(plan)], { retry: "safe" });
    },

    async planOf(scope, user) {
      const fresh = recall(scope, user);
      if (fresh !== undefined) return fresh.plan;
      // Without any plans no user has one, so skip the read.
      if ((await plans()).size === 0) return undefined;
      const name = JSON.stringify([scope, user]);
      let plan = known.get(name)?.plan ?? configured.defaultPlan;
      try {
        const stored = await redis.send(["HGET", usersKey(scope), user], { timeoutMs: WAIT_MS });
        plan = typeof stored === "string" ? stored : configured.defaultPlan;
      } catch {
        // While Redis is unavailable the last known plan stays.
      }
      if (known.size >= USERS_MAX) known.clear();
      known.set(name, { plan, atMs: performance.now() });
      return plan;
    },

    async setPlanOf(scope, user, plan) {
      known.delete(JSON.stringify([scope, user]));
      if (plan === undefined) await redis.send(["HDEL", usersKey(scope), user], { retry: "safe" });
      else await redis.send(["HSET", usersKey(scope), user, plan], { retry: "safe" });
    },
  };
}
