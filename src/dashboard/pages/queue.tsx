import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { JobsActedAnswer } from "../../gateway/admin/answers-roles.ts";
import type { JobAnswer, ListAnswer, ScheduleAnswer, ScopedQueueAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useActing, useAsked, useLive } from "../hooks.ts";
import { Badge, Card, Confirm, Empty, Failure, Field, Moment, Pager, Table, Tabs } from "../parts.tsx";
import { go, hrefOf } from "../place.ts";
import { Batches } from "./batches.tsx";
import { OneJob, TONES, workOf } from "./job.tsx";
import type { PageProps } from "./page.ts";
import { Webhooks } from "./webhooks.tsx";

const REFRESH_MS = 3_000;
const STATES = ["waiting", "blocked", "delayed", "running", "dead", "ended"];
/** Acts for selected jobs, by state. */
const ACTS = new Map([
  ["waiting", ["cancel"]],
  ["blocked", ["cancel"]],
  ["delayed", ["promote", "cancel"]],
  ["running", ["cancel"]],
  ["dead", ["redrive"]],
]);

/** The gateway's queues: pauses, jobs by state, one job's life, schedules. */
export function Queue(props: PageProps): JSX.Element {
  const [name, id] = props.place.rest;
  if (name === undefined)
    return (
      <>
        <Queues {...props} />
        <Batches {...props} />
        <Webhooks {...props} />
      </>
    );
  return id === undefined ? <Jobs {...props} name={name} /> : <OneJob {...props} name={name} id={id} />;
}

function Queues({ scope, canAct }: PageProps): JSX.Element {
  const { data, error, refresh } = useLive<ListAnswer<ScopedQueueAnswer>>(
    "queues",
    scope,
    withQuery("/queues", { scope }),
    REFRESH_MS,
  );
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
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [done, setDone] = useState<JobsActedAnswer>();
  const [wanted, setWanted] = useState("");
  useEffect(() => setChosen(new Set()), [state, after]);
  const jobs = data?.data ?? [];
  const run = (verb: string) =>
    void act(async () => {
      setDone(
        await call<JobsActedAnswer>("POST", withQuery(`${path}/jobs`, { scope }), { act: verb, ids: [...chosen] }),
      );
      setChosen(new Set());
    }).then(refresh);
  const verbs = ACTS.get(state) ?? [];
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
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (wanted.trim() !== "") go(hrefOf("queue", [name, wanted.trim()]));
          }}
        >
          <div class="fields">
            <Field label="Job" placeholder="its id, to open it" value={wanted} onValue={setWanted} />
            <button type="submit">Open</button>
          </div>
        </form>
        <Failure error={error ?? failed} />
        {done !== undefined && (
          <p class="hint" role="status">
            {done.act}: done for {count(done.done.length)}
            {done.left.length > 0 && `, not possible any more for ${count(done.left.length)}`}
          </p>
        )}
        {verbs.length > 0 && jobs.length > 0 && (
          <div class="row">
            <button
              type="button"
              class="quiet"
              onClick={() => setChosen(new Set(chosen.size === jobs.length ? [] : jobs.map(({ id }) => id)))}
            >
              {chosen.size === jobs.length ? "Choose none" : "Choose all of this page"}
            </button>
            {verbs.map((verb) => (
              <Confirm
                key={verb}
                label={`${verb} ${count(chosen.size)} chosen`}
                question={`${verb} ${count(chosen.size)} jobs?`}
                disabled={!canAct || busy || chosen.size === 0}
                onYes={() => run(verb)}
              />
            ))}
          </div>
        )}
        {data?.data.length === 0 && data.next !== undefined && (
          <Empty title="None of this scope among the jobs looked at">The next page looks further.</Empty>
        )}
        {data?.data.length === 0 && data.next === undefined && (
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
                  <span class="row">
                    {verbs.length > 0 && (
                      <input
                        type="checkbox"
                        aria-label={`Choose ${id}`}
                        checked={chosen.has(id)}
                        onChange={({ currentTarget: { checked } }) => {
                          const next = new Set(chosen);
                          if (checked) next.add(id);
                          else next.delete(id);
                          setChosen(next);
                        }}
                      />
                    )}
                    <a href={hrefOf("queue", [name, id])}>
                      <code>{id}</code>
                    </a>
                  </span>
                ),
              },
              { name: "State", cell: ({ state: now }) => <Badge tone={TONES.get(now)}>{now}</Badge> },
              ...(name === "gateway" ? [{ name: "Work", cell: workOf }] : []),
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
      <Schedules scope={scope} place={place} name={name} />
    </>
  );
}

function Schedules({ scope, place, name }: Pick<PageProps, "scope" | "place"> & { name: string }): JSX.Element {
  const after = place.query.get("schedules") ?? undefined;
  const path = withQuery(`/queues/${encodeURIComponent(name)}/schedules`, { scope, after });
  const { data, error } = useAsked<ListAnswer<ScheduleAnswer>>(path);
  const shown = place.query.get("state");
  const state = shown === null ? undefined : { state: shown };
  return (
    <Card title="Schedules">
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="This scope has no schedule here">Schedules are declared by the library: queue.schedule(…).</Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Schedules"
          rows={data.data}
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
      <Pager
        first={after === undefined ? undefined : hrefOf("queue", [name], state)}
        next={data?.next && hrefOf("queue", [name], { ...state, schedules: data.next })}
      />
    </Card>
  );
}
