import type { CacheStatsAnswer, ExplainAnswer } from "../gateway/operator.ts";
import type { Given } from "./command.ts";
import { withInstallation } from "./installation.ts";
import { print, toTable, toVisible } from "./print.ts";
import { toWhole } from "./read-command.ts";

const DAY_MS = 86_400_000;
const DAYS_MAX = 400;

/** Runs `marrow cache`: a scope's savings, its decision about a prompt, and evaluations on labelled pairs, offline. */
export async function runCache(given: Given): Promise<number> {
  if (given.act === "stats") return stats(given);
  if (given.act === "explain") return explain(given);
  const { runPairs } = await import("./cache-pairs.ts");
  return runPairs(given);
}

async function stats(given: Given): Promise<number> {
  const days = toWhole("days", given.text("days") ?? "", { min: 1, max: DAYS_MAX });
  const toDay = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
  const [to, from] = [toDay(Date.now()), toDay(Date.now() - (days - 1) * DAY_MS)];
  return withInstallation(async (operator) => {
    const answer = await operator.cacheStats({ scope: given.text("scope") ?? "", from, to });
    print(given, answer, () => toStatsLines(answer));
    return 0;
  });
}

function toStatsLines({ scope, cache, savings }: CacheStatsAnswer): readonly string[] {
  const { total, wrong, wrong_reason: reason, from, to } = savings;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const tiers = Object.entries(total.by_tier).filter(([, count]) => count > 0);
  const lines: [string, string][] = [
    ["scope", scope],
    ["cache", cache.enabled ? `on, preset ${cache.preset}, per ${cache.per}, ${cache.ttl_ms / 1_000} s` : "off"],
    ["days", `${from} to ${to}`],
    ["answers", `${total.answers}, of them ${total.hits} from the cache (${percent(total.hit_share)})`],
    ["by tier", tiers.map(([tier, count]) => `${tier} ${count}`).join(", ") || "-"],
    [
      "saved",
      `${total.saved.cost.toFixed(6)} (spent ${total.spent.cost.toFixed(6)}), ${total.saved.seconds.toFixed(1)} s`,
    ],
    ["tokens saved", `${total.saved.prompt_tokens} in, ${total.saved.completion_tokens} out`],
    [
      "wrong answers",
      wrong === null
        ? `unknown: ${reason === "cache_off" ? "the cache is off" : "nobody looked at an answer yet"}`
        : `${percent(wrong.share)} [${percent(wrong.low)}, ${percent(wrong.high)}] of ${wrong.of.replace("_", " ")}, by ${wrong.by} (${wrong.looked_at})`,
    ],
  ];
  return lines.map(([name, value]) => `${name.padEnd(15)}${toVisible(value)}`);
}

async function explain(given: Given): Promise<number> {
  const [prompt = ""] = given.positionals;
  const asked = {
    prompt,
    model: given.text("model") ?? "",
    system: given.text("system"),
    scope: given.text("scope") ?? "",
    user: given.text("user") ?? "",
  };
  return withInstallation(async (operator) => {
    const answer = await operator.explain(asked, { shows: given.has("content") });
    print(given, answer, () => toExplainLines(answer));
    return 0;
  });
}

function toExplainLines(answer: ExplainAnswer): readonly string[] {
  const about = [
    ...(answer.personal ? ["The prompt is personal: its answer is not shared with other users."] : []),
    ...(answer.time_bound ? ["The prompt is bound to time: its answer has the TTL cache.timeBoundTtlMs."] : []),
  ];
  if (!answer.looked_up)
    return [
      ...about,
      answer.why === "off" ? "The cache is off." : "Nothing is looked up: the prompt has no plain text from a user.",
    ];
  const { hit, nearest, follow_up: followUp, candidates } = answer;
  const outcome =
    hit === null
      ? followUp
        ? "A miss: the prompt refers to earlier turns."
        : `A miss${nearest === undefined ? ": no near question is stored" : `: the nearest stored question has ${nearest.veto} against it`}.`
      : `A hit: ${hit.match}, entry ${hit.id}, similarity ${hit.similarity.toFixed(3)}, ${Math.round(hit.age_ms / 1_000)} s old.`;
  return [
    outcome,
    ...(hit?.prompt === undefined ? [] : [`Stored question: ${toVisible(hit.prompt)}`]),
    ...about,
    ...(candidates.length === 0
      ? []
      : toTable(
          ["NEAR ENTRY", "SIMILARITY", "SCORE", "AGAINST IT"],
          candidates.map((one) => [one.id, one.similarity.toFixed(3), one.score.toFixed(3), one.veto ?? "nothing"]),
        )),
  ];
}
