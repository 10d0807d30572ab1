import type { JSX } from "preact";
import type { JobAnswer, ListAnswer, ScheduleAnswer, ScopedQueueAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count, duration } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Content, Empty, Failure, Moment, Pager, Table, Tabs, type Tone } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const REFRESH_MS = 3_000;
const STATES = ["waiting", "delayed", "running", "dead", "ended"];
const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ["done", "good"],
  ["running", "good"],
  ["dead", "bad"],
  ["cancelled", "warn"],
  ["unreadable", "bad"],
]);

/** The gateway's queues: pauses, jobs by state, one job's life, schedules. */
export function Queue(props: PageProps): JSX.Element {
  const [name, id] = props.place.rest;
  if (name === undefined) return <Queues {...props} />;
  return id === undefined ? <Jobs {...props} name={name} /> : <OneJob {...props} name={name} id={id} />;
}

function Queues({ scope, canAct }: PageProps): JSX.Element {
  const { data, error, refresh } = useAsked<ListAnswer<ScopedQueueAnswer>>(withQuery("/queues", { scope }), REFRESH_MS);
  const { busy, error: failed, act } = useActing();
  const pause = (name: string, verb: "pause" | "resume", all: boolean) =>
    void act(() => call("POST", withQuery(`/queues/${name}/${verb}`, { scope }), { all })).then(refresh);
  return (
    <Card title="Queues" aside={<span class="hint">gateway: responses, batches; tasks: jobs of your own</span>}>
      <Failure error={error ?? failed} />
      <Table
        label="Queues"
        rows={data?.data ?? []}
        keyOf={({ name }) => name}
        columns={[
          { name: "Queue", cell: ({ name }) => <a href={hrefOf("queue", [name])}>{name}</a> },
          {
            name: "Waiting",
            isNumber: true,
            cell: ({ waiting, of_scope: own }) => `${count(own.waiting)} of ${count(waiting)}`,
          },
          { name: "Delayed", isNumber: true, cell: ({ delayed }) => count(delayed) },
          { name: "Running", isNumber: true, cell: ({ running }) => count(running) },
          { name: "Done", isNumber: true, cell: ({ done }) => count(done) },
          {
            name: "Dead",
            isNumber: true,
            cell: ({ dead_kept: dead, of_scope: own }) => `${count(own.dead_kept)} of ${count(dead)}`,
          },
          {
            name: "State",
            cell: ({ paused, of_scope: own }) => (
              <Badge tone={paused || own.paused ? "warn" : "good"}>
                {paused ? "paused for all" : own.paused ? "paused for this scope" : "open"}
              </Badge>
            ),
          },
          {
            name: "Act",
            cell: ({ name, paused, of_scope: own }) => (
              <span class="row">
                <button
                  type="button"
                  class="quiet"
                  disabled={!canAct || busy}
                  onClick={() => pause(name, own.paused ? "resume" : "pause", false)}
                >
                  {own.paused ? "Resume" : "Pause"} scope
                </button>
                {paused ? (
                  <button
                    type="button"
                    class="quiet"
                    disabled={!canAct || busy}
                    onClick={() => pause(name, "resume", true)}
                  >
                    Resume all
                  </button>
                ) : (
                  <Confirm
                    label="Pause all"
                    question="For every tenant?"
                    disabled={!canAct || busy}
                    onYes={() => pause(name, "pause", true)}
                  />
                )}
              </span>
            ),
          },
        ]}
      />
      <p class="hint">"3 of 10" is 3 of this scope, 10 of all.</p>
    </Card>
  );
}

function Jobs({ scope, canAct, place, name }: PageProps & { name: string }): JSX.Element {
  const state = place.query.get("state") ?? "waiting";
  const after = place.query.get("after") ?? undefined;
  const path = `/queues/${encodeURIComponent(name)}`;
  const { data, error, refresh } = useAsked<ListAnswer<JobAnswer>>(
    withQuery(`${path}/jobs`, { scope, state, after }),
    REFRESH_MS,
  );
  const schedules = useAsked<ListAnswer<ScheduleAnswer>>(withQuery(`${path}/schedules`, { scope }));
  const { busy, error: failed, act } = useActing();
  return (
    <>
      <Card
        title={`Jobs of ${name}`}
        aside={
          state === "dead" && (
            <Confirm
              label="Redrive the oldest 100"
              question="Give them another go?"
              disabled={!canAct || busy}
              onYes={() =>
                void act(() => call("POST", withQuery(`${path}/redrive`, { scope }), { limit: 100 })).then(refresh)
              }
            />
          )
        }
      >
        <Tabs label="State" now={state} tabs={STATES} hrefOf={(tab) => hrefOf("queue", [name], { state: tab })} />
        <Failure error={error ?? failed} />
        {data?.data.length === 0 && (
          <Empty title={`No job is ${state}`}>
            {name === "tasks"
              ? "POST /v1/tasks pushes one, for workers of your own."
              : "A response with background: true, or a batch, is one."}
          </Empty>
        )}
        {data !== undefined && data.data.length > 0 && (
          <Table
            label={`Jobs that are ${state}`}
            rows={data.data}
            keyOf={({ id }) => id}
            columns={[
              {
                name: "Job",
                cell: ({ id }) => (
                  <a href={hrefOf("queue", [name, id])}>
                    <code>{id}</code>
                  </a>
                ),
              },
              { name: "State", cell: ({ state: now }) => <Badge tone={TONES.get(now)}>{now}</Badge> },
              { name: "Made", cell: ({ created_at_ms: atMs }) => <Moment atMs={atMs} /> },
              { name: "Reason", cell: ({ reason }) => reason ?? "–" },
              { name: "Failures", isNumber: true, cell: ({ failures }) => count(failures.length) },
              { name: "Attempts left", isNumber: true, cell: ({ attempts_left: left }) => count(left) },
            ]}
          />
        )}
        <Pager
          first={after === undefined ? undefined : hrefOf("queue", [name], { state })}
          next={data?.next && hrefOf("queue", [name], { state, after: data.next })}
        />
      </Card>
      <Card title="Schedules">
        <Failure error={schedules.error} />
        {schedules.data?.data.length === 0 && (
          <Empty title="This scope has no schedule here">
            Schedules are declared by the library: queue.schedule(…).
          </Empty>
        )}
        {schedules.data !== undefined && schedules.data.data.length > 0 && (
          <Table
            label="Schedules"
            rows={schedules.data.data}
            keyOf={({ name: called }) => called}
            columns={[
              { name: "Name", cell: ({ name: called }) => called },
              {
                name: "When",
                cell: ({ when, readable }) => (readable ? when : <Badge tone="bad">cannot be read</Badge>),
              },
              { name: "Next", cell: ({ next_at_ms: atMs }) => <Moment atMs={atMs} /> },
            ]}
          />
        )}
      </Card>
    </>
  );
}

function OneJob({ scope, canAct, name, id }: PageProps & { name: string; id: string }): JSX.Element {
  const path = `/queues/${encodeURIComponent(name)}/jobs/${encodeURIComponent(id)}`;
  const { data: job, error, refresh } = useAsked<JobAnswer>(withQuery(path, { scope }), REFRESH_MS);
  const { busy, error: failed, act } = useActing();
  const run = (verb: string) => void act(() => call("POST", withQuery(`${path}/${verb}`, { scope }), {})).then(refresh);
  const isEnded = job !== undefined && ["done", "dead", "cancelled"].includes(job.state);
  return (
    <Card title={`Job ${id}`} aside={<a href={hrefOf("queue", [name])}>All jobs of {name}</a>}>
      <Failure error={error ?? failed} />
      {job !== undefined && (
        <>
          <div class="row">
            <Badge tone={TONES.get(job.state)}>{job.state}</Badge>
            <button
              type="button"
              class="quiet"
              disabled={!canAct || busy || job.state !== "delayed"}
              onClick={() => run("promote")}
            >
              Promote
            </button>
            <button
              type="button"
              class="quiet"
              disabled={!canAct || busy || job.state !== "dead"}
              onClick={() => run("redrive")}
            >
              Redrive
            </button>
            <Confirm
              label="Cancel"
              question="Cancel this job?"
              disabled={!canAct || busy || isEnded}
              onYes={() => run("cancel")}
            />
          </div>
          <h3>Its life</h3>
          <ol class="life">
            <li>
              made <Moment atMs={job.created_at_ms} />
            </li>
            {job.failures.map(({ at_ms: atMs, reason, message }) => (
              <li key={`${atMs} ${reason}`} class="bad">
                failed <Moment atMs={atMs} />: {reason} {message !== undefined && <span class="hint">{message}</span>}
              </li>
            ))}
            {job.ended_at_ms === undefined ? (
              <li>
                now {job.state}; {count(job.attempts_left)} attempts and {count(job.crashes_left)} crashes are left
              </li>
            ) : (
              <li class={job.state === "done" ? "good" : "bad"}>
                {job.state} <Moment atMs={job.ended_at_ms} />, {duration(job.ended_at_ms - job.created_at_ms)} after it
                was made
                {job.reason === undefined ? "" : `: ${job.reason}`}
              </li>
            )}
          </ol>
          <Content hidden={job.hidden} value={{ payload: job.payload, result: job.result, progress: job.progress }} />
        </>
      )}
    </Card>
  );
}
