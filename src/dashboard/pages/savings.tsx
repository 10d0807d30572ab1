import type { JSX } from "preact";
import type { SavingsAnswer } from "../../gateway/admin/answers.ts";
import { withQuery } from "../api.ts";
import { count, duration, money, percent } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Card, Empty, Failure, Stat } from "../parts.tsx";

const DAYS = 30;
const REFRESH_MS = 10_000;

/** Savings of a scope's cache in the last days, and how often it was wrong as far as known. */
export function Savings({ scope }: { scope: string }): JSX.Element {
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const { data, error } = useAsked<SavingsAnswer>(
    withQuery("/savings", { scope, from: day(DAYS - 1), to: day(0) }),
    REFRESH_MS,
  );
  return (
    <Card
      title="Saved by the cache"
      aside={
        <span class="hint">
          scope {scope}, last {DAYS} days, all gateways
        </span>
      }
    >
      <Failure error={error} />
      {data !== undefined && (data.total.hits === 0 ? <Nothing answers={data.total.answers} /> : <Figures {...data} />)}
    </Card>
  );
}

function Nothing({ answers }: { answers: number }): JSX.Element {
  return (
    <Empty title="Nothing was saved yet">
      {answers === 0
        ? "No answer was given in this scope. Once questions repeat, the tokens, money and time that hits saved are here."
        : `${count(answers)} answers were given, and none came from the cache: no question was asked twice.`}
    </Empty>
  );
}

function Figures({ total, wrong }: SavingsAnswer): JSX.Element {
  const { saved, spent, mean_seconds: mean } = total;
  const tokens = saved.prompt_tokens + saved.completion_tokens;
  return (
    <dl class="stats">
      <Stat
        name="Money saved"
        value={money(saved.cost)}
        note={spent.cost === 0 ? "no price is known, or nothing was spent" : `${money(spent.cost)} spent`}
        tone={saved.cost > 0 ? "good" : undefined}
      />
      <Stat
        name="Tokens saved"
        value={count(tokens)}
        note={`${count(spent.prompt_tokens + spent.completion_tokens)} used`}
        tone="good"
      />
      <Stat
        name="Time saved"
        value={duration(saved.seconds * 1_000)}
        note={`a hit takes ${seconds(mean.hit)}, a miss ${seconds(mean.miss)}`}
        tone="good"
      />
      <Stat
        name="Answers from the cache"
        value={percent(total.hits, total.answers)}
        note={`${count(total.hits)} of ${count(total.answers)}`}
      />
      <Stat
        name="Wrong, estimated"
        value={wrong === null ? "not known" : percent(wrong.share, 1)}
        note={
          wrong === null
            ? "nobody compared an answer yet"
            : `${percent(wrong.low, 1)} to ${percent(wrong.high, 1)}, by ${count(wrong.looked_at)} ${EVIDENCE[wrong.by]}`
        }
        tone={wrong !== null && wrong.share > 0.02 ? "warn" : undefined}
      />
    </dl>
  );
}

const EVIDENCE = { audits: "audits", feedback: "words of users", judge: "verdicts on near misses" } as const;

function seconds(value: number | null): string {
  return value === null ? "–" : duration(value * 1_000);
}
