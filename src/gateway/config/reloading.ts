import { isDeepStrictEqual } from "node:util";
import { MarrowError } from "../../errors.ts";
import { encodeKeyPart, type Redis } from "../../redis/index.ts";
import { resolveConfig, type GatewayConfig, type GatewayConfigInput } from "./config.ts";
import type { LiveModels } from "../models/model-source.ts";

/** Applies changes of the configuration without a restart. */
export interface Reloading {
  /**
   * Reads the configuration again and applies it, one run at a time. Errors are reported, and the current configuration stays. `isAsked`:
   * report even if nothing changed. @default true
   */
  reload(isAsked?: boolean): Promise<void>;
  /** Tells all gateways of this Redis to reload; returns how many received the message. */
  readonly tellAll: () => Promise<number>;
  close(): Promise<void>;
}

/** Fields that can change without a restart. */
const LIVE: ReadonlySet<keyof GatewayConfig> = new Set(["upstreams", "routes", "routing"]);

/** Subscribes to the channel `<app>:gateway:reload`, on which gateways announce a reload. */
export function createReloading(
  redis: Redis,
  {
    read,
    models,
    before,
    say,
  }: {
    readonly read: () => Promise<GatewayConfigInput>;
    readonly models: Pick<LiveModels, "replace">;
    readonly before: GatewayConfig;
    readonly say: (line: string) => void;
  },
): Reloading {
  const channel = `${encodeKeyPart("app", redis.app)}:gateway:reload`;
  let current = before;
  let reading: Promise<void> | undefined;
  let [isDue, isAnswered] = [false, false];

  async function readAgain(tellsAll: boolean): Promise<void> {
    try {
      const next = resolveConfig(await read());
      const changed = (Object.keys(next) as (keyof GatewayConfig)[]).filter(
        (name) => !isDeepStrictEqual(next[name], current[name]),
      );
      const waiting = changed.filter((name) => !LIVE.has(name));
      const taken = changed.filter((name) => LIVE.has(name));
      // A key's file may hold another key while its name stays.
      models.replace(next);
      current = next;
      if (taken.length > 0 || tellsAll)
        say(`the configuration was read again: ${taken.length === 0 ? "no change" : taken.join(", ")} in force`);
      if (waiting.length > 0) say(`changes of ${waiting.join(", ")} wait for a restart`);
    } catch (error) {
      const why = MarrowError.is(error) ? error.message : "it cannot be read";
      say(`the new configuration is invalid, and the current one stays: ${why}`);
    }
  }

  async function reload(isAsked = true): Promise<void> {
    isDue = true;
    isAnswered ||= isAsked;
    reading ??= (async () => {
      while (isDue) {
        const tellsAll = isAnswered;
        [isDue, isAnswered] = [false, false];
        await readAgain(tellsAll);
      }
      reading = undefined;
    })();
    await reading;
  }

  const hearing = redis.subscribe([channel], () => void reload()).catch(() => undefined);
  return {
    reload,
    tellAll: async () => Number(await redis.send(["PUBLISH", channel, "1"])),
    async close() {
      await (await hearing)?.close();
    },
  };
}
