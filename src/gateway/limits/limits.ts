import { MarrowError } from "../../errors.ts";
import { createLimiter, type Costs, type Decision, type Limiter } from "../../limiter/index.ts";
import { decodeRecord, encodeRecord, keyTag, toFields, type ScopedRedis } from "../../redis/index.ts";
import { KEPT_MS } from "../tenancy/api-keys.ts";
import type { TurnBytes } from "../tenancy/turn-bytes.ts";
import { toLimiterOptions, type LimitDefinition } from "./definition.ts";
import { createFootprint, settleWithinMs } from "./footprint.ts";

/** Limits of a scope by name; each is `createLimiter(redis.scope(scope), { name, … })`. */
export interface Limits {
  /**
   * Declares a limit; repeating it changes nothing. Other processes see it within {@link KEPT_MS}. @throws MarrowError `invalid_option`,
   * `too_large`
   */
  define(name: string, definition: LimitDefinition): Promise<void>;
  /** Deletes a declaration; returns whether it existed. Its counts end with their windows. */
  remove(name: string): Promise<boolean>;
  all(): Promise<ReadonlyMap<string, LimitDefinition>>;
  /** Returns the limiter of a name. No round trip if its declaration is cached. @throws MarrowError `not_found` */
  limiter(name: string): Promise<Limiter>;
  /**
   * Takes from a limit like {@link Limiter.take}. @throws MarrowError `not_found`, and `too_large` if it would store more in a full scope
   */
  take(name: string, ...taken: Parameters<Limiter["take"]>): Promise<Decision>;
  /**
   * Settles a permit by its text, once over all processes; returns whether it still counted, the same for repeated calls. One round trip.
   * @throws MarrowError `too_large` for a full scope
   */
  settle(name: string, token: string, costs: Costs): Promise<boolean>;
}

/** Limits of a scope at most. */
const LIMITS_MAX = 100;
const WAIT_MS = 500;

/** Makes the limits of a scope. Declarations are in the hash `{app:scope}:gateway:limits`; data of takes counts among the scope's bytes. */
export function createLimits(redis: ScopedRedis, bytes: Pick<TurnBytes, "add" | "check">): Limits {
  const footprint = createFootprint(redis.scope, bytes);
  const key = `${keyTag(redis)}:gateway:limits`;
  const made = new Map<string, { readonly text: string; readonly limiter: Limiter }>();
  let known: { readonly definitions: ReadonlyMap<string, LimitDefinition>; readonly atMs: number } | undefined;

  async function all(): Promise<ReadonlyMap<string, LimitDefinition>> {
    if (known !== undefined && performance.now() - known.atMs < KEPT_MS) return known.definitions;
    try {
      return await anew();
    } catch (error) {
      // While Redis is unavailable the cached declarations stay.
      if (known === undefined) throw error;
      known = { ...known, atMs: performance.now() };
    }
    return known.definitions;
  }

  /** Reads the current declarations, because another process may have changed them. */
  async function anew(): Promise<ReadonlyMap<string, LimitDefinition>> {
    const reply = await redis.send(["HGETALL", key], { reply: "bytes", timeoutMs: WAIT_MS });
    const rows = [...toFields(reply as readonly Buffer[])];
    const definitions = new Map(rows.map(([name, record]) => [name, decodeRecord(record) as LimitDefinition]));
    known = { definitions, atMs: performance.now() };
    return definitions;
  }

  /** Changes the cached declarations like Redis's, and lets the next use read them again. */
  function change(act: (definitions: Map<string, LimitDefinition>) => void): void {
    const definitions = new Map(known?.definitions);
    act(definitions);
    known = { definitions, atMs: -Infinity };
  }

  async function declared(name: string): Promise<LimitDefinition> {
    const definition = (await all()).get(name) ?? (await anew()).get(name);
    if (definition !== undefined) return definition;
    throw new MarrowError("not_found", "no limit of this name is declared: PUT /v1/limits/{name} declares one", {
      details: { path: "name" },
    });
  }

  const limiter = async (name: string) => toLimiter(name, await declared(name));

  function toLimiter(name: string, definition: LimitDefinition): Limiter {
    const text = JSON.stringify(definition);
    const ready = made.get(name);
    if (ready?.text === text) return ready.limiter;
    const fresh = createLimiter(redis, toLimiterOptions(name, definition));
    made.set(name, { text, limiter: fresh });
    return fresh;
  }

  return {
    all,
    limiter,

    async take(name, subjects, ...rest) {
      const definition = await declared(name);
      const count = footprint.admit(name, definition, subjects);
      const decision = await toLimiter(name, definition).take(subjects, ...rest);
      if (decision.allowed && !decision.degraded) count();
      return decision;
    },

    async define(name, definition) {
      // Reports values that the schema accepts and the limiter does not.
      createLimiter(redis, toLimiterOptions(name, definition));
      const there = await anew();
      if (!there.has(name) && there.size >= LIMITS_MAX)
        throw new MarrowError(
          "too_large",
          `there are ${there.size} limits already, and at most ${LIMITS_MAX} are allowed`,
          {
            details: { path: "name", limits: there.size, limitsMax: LIMITS_MAX },
          },
        );
      await redis.send(["HSET", key, name, encodeRecord(definition)], { retry: "safe" });
      change((definitions) => definitions.set(name, definition));
    },

    async remove(name) {
      const removed = await redis.send(["HDEL", key, name], { retry: "safe" });
      if (known !== undefined) change((definitions) => definitions.delete(name));
      made.delete(name);
      return Number(removed) > 0;
    },

    async settle(name, token, costs) {
      const definition = await declared(name);
      const onceWithinMs = settleWithinMs(definition);
      const permit = toLimiter(name, definition).resume(token, { onceWithinMs });
      const count = footprint.settle(name, onceWithinMs);
      const isCounted = await permit.settle(costs);
      count();
      return isCounted;
    },
  };
}
