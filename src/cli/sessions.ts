import type { ListAnswer, TurnsAnswer } from "../gateway/operator.ts";
import type { Given } from "./command.ts";
import { withInstallation } from "./installation.ts";
import { print, toMoment, toTable, toVisible } from "./print.ts";
import { toWhole } from "./read-command.ts";

/** Largest place of a turn. */
const SEQUENCE_MAX = 2 ** 40;

/** Runs `marrow sessions`: a user's sessions, and the turns of one. Content is only shown on request. */
export async function runSessions(given: Given): Promise<number> {
  const [scope, user] = [given.text("scope") ?? "", given.text("user") ?? ""];
  const limit = toWhole("limit", given.text("limit") ?? "", { min: 1, max: 100 });
  return given.act === "list" ? list(given, { scope, user, limit }) : show(given, { scope, user, limit });
}

interface Asked {
  readonly scope: string;
  readonly user: string;
  readonly limit: number;
}

async function list(given: Given, { scope, user, limit }: Asked): Promise<number> {
  return withInstallation(async (operator) => {
    const { data, cursor } = await operator.memory(scope).sessions({ user, after: given.text("after"), limit });
    const shown = data.map(({ id, version, createdAtMs, changedAtMs }) => {
      return { id, object: "session.entry", turns: version, created_at_ms: createdAtMs, changed_at_ms: changedAtMs };
    });
    const answer: ListAnswer<object> = { object: "list", data: shown, ...(cursor !== undefined && { next: cursor }) };
    print(given, answer, () => [
      ...toTable(
        ["SESSION", "TURNS", "BEGAN", "CHANGED"],
        shown.map((one) => [one.id, one.turns, toMoment(one.created_at_ms), toMoment(one.changed_at_ms)]),
      ),
      ...(cursor === undefined ? [] : [`There are more: --after ${cursor}`]),
    ]);
    return 0;
  });
}

async function show(given: Given, { scope, user, limit }: Asked): Promise<number> {
  const before = given.text("before");
  const shows = given.has("content");
  const asked = {
    scope,
    user,
    limit,
    session: given.positionals[0] ?? "",
    shows,
    ...(before !== undefined && { before: toWhole("before", before, { min: 1, max: SEQUENCE_MAX }) }),
  };
  return withInstallation(async (operator) => {
    const turns = await operator.turns(asked);
    print(given, turns, () => toLines(turns, shows));
    return 0;
  });
}

function toLines({ version, data, next }: TurnsAnswer, shows: boolean): readonly string[] {
  const rows = data.map(({ sequence, role, characters, calls, incomplete, turn }) => [
    sequence,
    role,
    characters,
    calls,
    incomplete ? "yes" : "-",
    ...(shows
      ? [toVisible(JSON.stringify((turn as { readonly content?: unknown } | undefined)?.content ?? null))]
      : []),
  ]);
  return [
    `${version} turns so far`,
    ...toTable(["TURN", "ROLE", "CHARACTERS", "CALLS", "INCOMPLETE", ...(shows ? ["CONTENT"] : [])], rows),
    ...(next === undefined ? [] : [`There are earlier ones: --before ${next}`]),
  ];
}
