import { allOf, checkScope, type ScopedRedis } from "../redis/index.ts";
import { listNoted, migrationKey, type ListedOptions, type ListedPage } from "./listing.ts";
import type { MigrationPhase } from "./migration.ts";

/** A migration, and how far it is. */
export interface MigrationAbout {
  readonly name: string;
  readonly phase: MigrationPhase;
  /** Whether all was copied once. */
  readonly copied: boolean;
  readonly verified: boolean;
  /** What the last check found; absent before the first one. */
  readonly recall?: number | undefined;
  readonly items?: number | undefined;
  /** When a step of it was begun last, ms since 1970. */
  readonly seenAtMs: number;
}

/** Lists a scope's migrations by name, and how far each is. Three round trips. @throws MarrowError `invalid_input` */
export async function listMigrations(
  redis: ScopedRedis,
  options: ListedOptions = {},
): Promise<ListedPage<MigrationAbout>> {
  const { data, cursor } = await listNoted<{ readonly seenAtMs: number }>(checkScope(redis), "migrations", options);
  if (data.length === 0) return { data: [] };
  const fields = ["phase", "cursor", "verified", "recall", "items"];
  const states = allOf(await redis.pipeline(data.map(({ name }) => ["HMGET", migrationKey(redis, name), ...fields])));
  const found = data.map(({ name, seenAtMs }, at): MigrationAbout => {
    const [phase, place, verified, recall, items] = states[at] as readonly (string | null)[];
    const number = (text: string | null | undefined) => (typeof text === "string" ? Number(text) : undefined);
    return {
      name,
      phase: (phase ?? "copying") as MigrationPhase,
      copied: place === "done",
      // What was switched was verified before.
      verified: verified === "1" || (phase ?? "copying") !== "copying",
      recall: number(recall),
      items: number(items),
      seenAtMs,
    };
  });
  return { data: found, ...(cursor !== undefined && { cursor }) };
}
