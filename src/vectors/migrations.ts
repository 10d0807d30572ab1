import { allOf, checkScope, isDamage, type ScopedRedis } from "../redis/index.ts";
import { listNoted, migrationKey, type ListedOptions, type ListedPage } from "./listing.ts";
import type { MigrationPhase } from "./migration.ts";

/** A migration and its progress. */
export interface MigrationAbout {
  readonly name: string;
  readonly phase: MigrationPhase;
  /** Whether all items were copied once. */
  readonly copied: boolean;
  readonly verified: boolean;
  /** Recall at the last check; absent before the first one. */
  readonly recall?: number | undefined;
  readonly items?: number | undefined;
  /** Time when its last step began, ms since 1970. */
  readonly seenAtMs: number;
}

/** Lists a scope's migrations by name, with their progress. Three round trips. @throws MarrowError `invalid_input` */
export async function listMigrations(
  redis: ScopedRedis,
  options: ListedOptions = {},
): Promise<ListedPage<MigrationAbout>> {
  const { data, ...rest } = await listNoted<{ readonly seenAtMs: number }>(checkScope(redis), "migrations", options);
  if (data.length === 0) return { data: [], ...rest };
  const fields = ["phase", "cursor", "verified", "recall", "items"];
  const states = await redis.pipeline(data.map(({ name }) => ["HMGET", migrationKey(redis, name), ...fields]));
  const damaged = states.filter((state) => isDamage(state)).length;
  const found = data.flatMap(({ name, seenAtMs }, at): MigrationAbout[] => {
    const state = states[at];
    if (isDamage(state)) return [];
    const [phase, place, verified, recall, items] = allOf([state ?? null])[0] as readonly (string | null)[];
    const number = (text: string | null | undefined) => (typeof text === "string" ? Number(text) : undefined);
    const about: MigrationAbout = {
      name,
      phase: (phase ?? "copying") as MigrationPhase,
      copied: place === "done",
      // A switch requires an earlier verification.
      verified: verified === "1" || (phase ?? "copying") !== "copying",
      recall: number(recall),
      items: number(items),
      seenAtMs,
    };
    return [about];
  });
  const unreadable = damaged + (rest.unreadable ?? 0);
  return { data: found, ...rest, ...(unreadable > 0 && { unreadable }) };
}
