import { keyIdOf, KEY_LIFE_MS_MAX, toKeyAnswer, type KeyAnswer, type Operator } from "../gateway/operator.ts";
import { MarrowError } from "../errors.ts";
import type { Given } from "./command.ts";
import { fromDuration, toDuration } from "./duration.ts";
import { withInstallation } from "./installation.ts";
import { print, toMoment, toTable } from "./print.ts";
import { toWhole, usageError } from "./read-command.ts";

const ID = /^[0-9a-f]{16}$/;
const NOT_THERE = 1;

/** `marrow key`: makes, lists, rotates and ends API keys on the Redis that the gateway uses. */
export async function runKey(given: Given): Promise<number> {
  const acts = new Map([
    ["create", create],
    ["list", list],
    ["rotate", rotate],
    ["revoke", revoke],
  ]);
  return (acts.get(given.act) ?? list)(given);
}

async function create(given: Given): Promise<number> {
  const [user, role, plan] = [given.text("user"), given.text("role"), given.text("plan")];
  const endsAtMs = toEnd(given.text("ends"));
  // A key without a user of its own is an application's: it names its users in requests.
  const actsFor = (given.text("acts-for") ?? (user === undefined ? "any" : "own")) as "own" | "any";
  return withInstallation(async ({ keys, findPlan }) => {
    if (plan !== undefined && (await findPlan(plan)) === undefined)
      throw new MarrowError(
        "not_found",
        `there is no plan ${JSON.stringify(plan.slice(0, 60))} in the configuration or from the admin API`,
        {
          details: { path: "plan" },
        },
      );
    const key = await keys.create({
      scope: given.text("scope") ?? "default",
      user: user ?? "default",
      name: given.text("name") ?? "",
      actsFor,
      ...(plan !== undefined && { plan }),
      ...(role !== undefined && { role: role as "admin" | "viewer" }),
      ...(endsAtMs !== undefined && { endsAtMs }),
    });
    print(given, { ...toKeyAnswer(await keys.identify(key)), key }, () => [key]);
    return 0;
  });
}

async function list(given: Given): Promise<number> {
  const [after, scope] = [given.text("after"), given.text("scope")];
  if (after !== undefined && !ID.test(after))
    throw usageError("--after must be the id of a key, 16 hexadecimal digits", "after");
  const limit = toWhole("limit", given.text("limit") ?? "", { min: 1, max: 1_000 });
  return withInstallation(async ({ keys }) => {
    const { data, cursor } = await keys.list({ after, limit, scope });
    const shown = data.map(toKeyAnswer);
    print(given, { object: "list", data: shown, ...(cursor !== undefined && { next: cursor }) }, () => [
      ...toTable(["ID", "SCOPE", "USER", "NAME", "ROLE", "ACTS FOR", "PLAN", "ENDS"], shown.map(toRow)),
      ...(cursor === undefined ? [] : [`There are more: --after ${cursor}`]),
    ]);
    return 0;
  });
}

async function rotate(given: Given): Promise<number> {
  const overlapMs = toDuration("overlap", given.text("overlap") ?? "", { min: 0, max: KEY_LIFE_MS_MAX });
  const [id, askedAtMs] = [toId(given), Date.now()];
  return withInstallation(async ({ keys }) => {
    const rotated = await keys.rotate(id, { overlapMs });
    if (rotated === undefined) return tellNone(given, id);
    const { key, made, before } = rotated;
    const { endsAtMs = 0 } = before;
    const isSooner = endsAtMs < askedAtMs + overlapMs;
    const until = isSooner
      ? `The key ${before.id} serves on until ${toMoment(endsAtMs)}, its own end, which is sooner than after ${fromDuration(overlapMs)}.`
      : `The key ${before.id} serves on for ${fromDuration(overlapMs)}, until ${toMoment(endsAtMs)}.`;
    print(given, { ...toKeyAnswer(made), key, before: toKeyAnswer(before), overlap_cut: isSooner }, () => [key, until]);
    return 0;
  });
}

async function revoke(given: Given): Promise<number> {
  const id = toId(given);
  return withInstallation(async ({ keys }: Operator) => {
    if (!(await keys.remove(id))) return tellNone(given, id);
    print(given, { id, object: "key.deleted", deleted: true }, () => ["revoked"]);
    return 0;
  });
}

/** The id of the key that is named by itself or by its id. */
function toId({ act, positionals: [named = ""] }: Given): string {
  if (ID.test(named)) return named;
  if (/^mrw_[\w-]{43}$/.test(named)) return keyIdOf(named);
  throw usageError(
    `marrow key ${act} needs a key (mrw_…) or its id, 16 hexadecimal digits as marrow key list shows them`,
    "key",
  );
}

function tellNone(given: Given, id: string): number {
  print(given, { id, object: "key.deleted", deleted: false }, () => ["there is no such key"]);
  return NOT_THERE;
}

/** When a key ends: after a time from now, or on a day or at a moment of UTC. */
function toEnd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{4}-\d{2}-\d{2}/.test(text))
    return Date.now() + toDuration("ends", text, { min: 1_000, max: KEY_LIFE_MS_MAX });
  const atMs = Date.parse(text);
  // JavaScript takes 31 February for a day of March.
  const [day = ""] = text.split("T");
  const isDay = !Number.isNaN(atMs) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  if (isDay && atMs > Date.now() && atMs < Date.now() + KEY_LIFE_MS_MAX) return atMs;
  throw usageError(
    "--ends must be a duration such as 30d, or a future date within ten years such as 2030-01-31",
    "ends",
  );
}

function toRow(key: KeyAnswer): readonly string[] {
  const { id, scope, user, name, role, plan, acts_for: actsFor, ends_at_ms: endsAtMs, ended, unreadable } = key;
  if (unreadable !== undefined) return [id, "", "", `cannot be read: ${unreadable}`];
  const ends = endsAtMs === null ? "never" : ended ? `ended ${toMoment(endsAtMs)}` : toMoment(endsAtMs);
  return [id, scope, user, name, role ?? "-", actsFor, plan ?? "-", ends];
}
