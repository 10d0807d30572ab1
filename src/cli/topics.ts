import type { TopicAnswer } from "../gateway/operator.ts";
import type { Given } from "./command.ts";
import { withInstallation } from "./installation.ts";
import { print, toMoment, toTable, toVisible } from "./print.ts";
import { toWhole } from "./read-command.ts";

/** `marrow topics`: durable topics of a scope, and how far their groups are. */
export async function runTopics(given: Given): Promise<number> {
  const scope = given.text("scope") ?? "";
  return given.act === "list" ? list(given, scope) : show(given, scope);
}

async function list(given: Given, scope: string): Promise<number> {
  const page = { after: given.text("after"), limit: toWhole("limit", given.text("limit") ?? "", { min: 1, max: 100 }) };
  return withInstallation(async (operator) => {
    const answer = await operator.topics(scope, page);
    print(given, answer, () => [
      ...toTable(["TOPIC", "MESSAGES", "BYTES", "GROUPS", "LAG", "DEAD"], answer.data.map(toRow)),
      ...(answer.next === undefined ? [] : [`There are more: --after ${answer.next}`]),
    ]);
    return 0;
  });
}

async function show(given: Given, scope: string): Promise<number> {
  return withInstallation(async (operator) => {
    const topic = await operator.topic(scope, given.positionals[0] ?? "");
    const most = topic.messages_max === null ? "" : ` of ${topic.messages_max} at most`;
    print(given, topic, () => [
      `${topic.size} messages${most}, ${topic.bytes ?? "unknown"} bytes, ${topic.partitions} partitions, ${topic.dead_letters} dead letters`,
      ...toTable(
        ["GROUP", "LAG", "READERS", "DEAD", "SEEN"],
        topic.groups.map((one) => [
          toVisible(one.group),
          one.lag,
          one.readers,
          one.dead_letters,
          toMoment(one.seen_at_ms),
        ]),
      ),
    ]);
    return 0;
  });
}

/** A row of the list. The lag is that of the group that is furthest behind, of those that the list has. */
function toRow({ name, size, bytes, groups_count: groups, groups: told, dead_letters: dead }: TopicAnswer) {
  const lags = told.map(({ lag }) => lag);
  return [toVisible(name), size, bytes ?? "-", groups, lags.length === 0 ? "-" : Math.max(...lags), dead];
}
