import type { JSX } from "preact";
import type { MinuteAnswer, OverviewAnswer } from "../../gateway/admin/answers.ts";
import { TimeChart } from "../chart.tsx";
import { bytes, count, duration, percent } from "../format.ts";
import { useLive } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Stat, Table, type Tone } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";
import { Savings } from "./savings.tsx";

const REFRESH_MS = 2_000;
const MINUTES = 60;
/** Minutes that are shown, the least that has them all. */
const SPANS = [10, 20, 40, MINUTES];
/** Answers by where they came from, the cheapest first, each with the colour of its bars in the style sheet. */
const TIERS = [
  ["exact", "exact"],
  ["alias", "alias"],
  ["similar", "similar"],
  ["judged", "judged"],
  ["shared", "shared"],
  ["miss", "miss"],
  ["bypass", "bypass"],
] as const;
const HITS = ["exact", "alias", "similar", "judged", "shared"];

/** Overview: this process in the last hour, its queues and upstreams, and the savings of the cache. */
export function Overview({ scope }: PageProps): JSX.Element {
  const { data, error } = useLive<OverviewAnswer>("overview", scope, "/overview", REFRESH_MS);
  if (data === undefined) return error === undefined ? <p class="asking">…</p> : <Failure error={error} />;
  const { minutes, totals, queues, upstreams, now_ms: nowMs } = data;
  return (
    <>
      <Failure error={error} />
      <Traffic minutes={minutes} nowMs={nowMs} totals={totals} startedMs={data.started_ms} />
      <Savings scope={scope} />
      <div class="columns">
        <Card title="Redis" aside={<RedisBadge redis={data.redis} />}>
          <RedisFacts redis={data.redis} />
        </Card>
        <Card title="Upstreams" aside={<span class="hint">models served: {count(data.models.length)}</span>}>
          {upstreams.length === 0 ? (
            <Empty title="No routes over several upstreams">
              Each model has one endpoint. Name a second one in <code>routes</code> of the configuration, and its health
              is shown here.
            </Empty>
          ) : (
            <Table
              label="Upstreams of routes"
              rows={upstreams}
              keyOf={({ upstream, model }) => `${upstream} ${model}`}
              columns={[
                { name: "Upstream", cell: ({ upstream }) => upstream },
                { name: "Model", cell: ({ model }) => model },
                {
                  name: "Standing",
                  cell: ({ standing, remaining_ms: left }) => (
                    <Badge tone={standing === "well" ? "good" : "warn"}>
                      {standing === "cooling" ? `cooling, ${duration(left)}` : standing}
                    </Badge>
                  ),
                },
                { name: "In flight", isNumber: true, cell: ({ in_flight: now }) => count(now) },
              ]}
            />
          )}
        </Card>
      </div>
      <Card title="Queues">
        {queues.length === 0 ? (
          <Empty title="The queues cannot be read while Redis is away" />
        ) : (
          <Table
            label="Queues"
            rows={queues}
            keyOf={({ name }) => name}
            columns={[
              { name: "Queue", cell: ({ name }) => <a href={hrefOf("queue", [name])}>{name}</a> },
              {
                name: "State",
                cell: ({ paused }) => <Badge tone={paused ? "warn" : "good"}>{paused ? "paused" : "open"}</Badge>,
              },
              { name: "Waiting", isNumber: true, cell: ({ waiting }) => count(waiting) },
              { name: "Delayed", isNumber: true, cell: ({ delayed }) => count(delayed) },
              { name: "Running", isNumber: true, cell: ({ running }) => count(running) },
              { name: "Done", isNumber: true, cell: ({ done }) => count(done) },
              { name: "Dead, kept", isNumber: true, cell: ({ dead_kept: dead }) => count(dead) },
            ]}
          />
        )}
      </Card>
    </>
  );
}

function Traffic({
  minutes,
  nowMs,
  totals,
  startedMs,
}: {
  minutes: readonly MinuteAnswer[];
  nowMs: number;
  totals: Omit<MinuteAnswer, "at_ms">;
  startedMs: number;
}): JSX.Element {
  const byMinute = new Map(minutes.map((minute) => [minute.at_ms, minute]));
  const lastMs = nowMs - (nowMs % 60_000);
  // A gateway that has just started fills its picture sooner.
  const age = (lastMs - (minutes[0]?.at_ms ?? lastMs)) / 60_000 + 1;
  const shown = SPANS.find((span) => span >= age) ?? MINUTES;
  const times = Array.from({ length: shown }, (_, at) => lastMs - (shown - 1 - at) * 60_000);
  const tiers = TIERS.filter(([name]) => (totals.cache[name] ?? 0) > 0);
  const answers = Object.values(totals.cache).reduce((sum, one) => sum + one, 0);
  const hits = HITS.reduce((sum, name) => sum + (totals.cache[name] ?? 0), 0);
  const last = minutes.findLast(({ p50_ms: p50 }) => p50 !== undefined);
  return (
    <Card
      title="Traffic"
      aside={
        <span class="hint">
          this process, started <Moment atMs={startedMs} nowMs={nowMs} />
        </span>
      }
    >
      <dl class="stats">
        <Stat
          name="Requests"
          value={count(totals.requests)}
          note={`${count(minutes.at(-1)?.requests ?? 0)} this minute`}
        />
        <Stat
          name="Served from the cache"
          value={percent(hits, answers)}
          note={`${count(hits)} of ${count(answers)} answers`}
          tone={hits > 0 ? "good" : undefined}
        />
        <Stat name="Time, p50" value={duration(totals.p50_ms)} note={`last minute ${duration(last?.p50_ms)}`} />
        <Stat name="Time, p95" value={duration(totals.p95_ms)} note={`last minute ${duration(last?.p95_ms)}`} />
        <Stat
          name="Refused by limits"
          value={count(totals.refused)}
          note={percent(totals.refused, totals.requests)}
          tone={totals.refused > 0 ? "warn" : undefined}
        />
        <Stat
          name="Errors (5xx)"
          value={count(totals.errors)}
          note={percent(totals.errors, totals.requests)}
          tone={totals.errors > 0 ? "bad" : undefined}
        />
      </dl>
      {answers === 0 ? (
        <Empty title="No question was asked yet">
          Open the <a href={hrefOf("playground")}>playground</a> and press the three buttons: a miss, an exact hit and a
          similar one within a minute.
        </Empty>
      ) : (
        <div class="columns">
          <section aria-label="Answers">
            <h3>Answers a minute, by where they came from</h3>
            <TimeChart
              label={`Answers in each of the last ${times.length} minutes, by where they came from: ${tiers
                .map(([name]) => `${totals.cache[name] ?? 0} ${name}`)
                .join(", ")} since the start`}
              times={times}
              stacked
              format={count}
              series={tiers.map(([name, color]) => ({
                name,
                color,
                values: times.map((atMs) => byMinute.get(atMs)?.cache[name] ?? 0),
              }))}
            />
          </section>
          <section aria-label="Times">
            <h3>Time of an answer</h3>
            <TimeChart
              label={`Time of answers in each of the last ${times.length} minutes: p50 ${duration(totals.p50_ms)}, p95 ${duration(totals.p95_ms)} since the start`}
              times={times}
              format={duration}
              series={[
                { name: "p95", color: "miss", values: times.map((atMs) => byMinute.get(atMs)?.p95_ms) },
                { name: "p50", color: "similar", values: times.map((atMs) => byMinute.get(atMs)?.p50_ms) },
              ]}
            />
          </section>
        </div>
      )}
    </Card>
  );
}

function RedisBadge({ redis }: { redis: OverviewAnswer["redis"] }): JSX.Element {
  if (redis.state === "away") return <Badge tone="bad">away: {redis.code}</Badge>;
  const tone: Tone = redis.warnings > 0 ? "warn" : "good";
  return <Badge tone={tone}>{redis.warnings > 0 ? `ready, ${redis.warnings} warnings` : "ready"}</Badge>;
}

function RedisFacts({ redis }: { redis: OverviewAnswer["redis"] }): JSX.Element {
  if (redis.state === "away")
    return (
      <Empty title="Redis does not answer">
        Chats are answered by the model meanwhile; sessions, limits and queues wait. See docs/operations.md.
      </Empty>
    );
  const { memory_bytes: used, memory_bytes_max: most } = redis;
  return (
    <dl class="facts">
      <dt>Server</dt>
      <dd>
        {redis.engine} {redis.version ?? ""}
      </dd>
      <dt>Round trip</dt>
      <dd>{duration(redis.round_trip_ms)}</dd>
      <dt>Memory</dt>
      <dd>
        {bytes(used)}
        {most === undefined || most === 0 ? ", no bound" : ` of ${bytes(most)}`}
      </dd>
      <dt>Evicted keys</dt>
      <dd>{redis.evicted_keys === undefined ? "–" : count(redis.evicted_keys)}</dd>
      {redis.warnings > 0 && (
        <>
          <dt>Warnings</dt>
          <dd>
            <a href={hrefOf("health")}>{redis.warnings} to read</a>
          </dd>
        </>
      )}
    </dl>
  );
}
