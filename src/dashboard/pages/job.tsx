import type { JSX } from "preact";
import type { DeliveryAnswer } from "../../gateway/admin/answers-roles.ts";
import type { JobAnswer, ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count, duration } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Content, Empty, Failure, Moment, Table, type Tone } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const REFRESH_MS = 3_000;
/** Colours of job states. */
export const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ["done", "good"],
  ["running", "good"],
  ["dead", "bad"],
  ["cancelled", "warn"],
  ["unreadable", "bad"],
]);

/** Descriptions of jobs in the gateway's own queue. */
const WORKS: ReadonlyMap<string, string> = new Map([
  ["response", "background response"],
  ["batch-start", "begins a batch"],
  ["batch-line", "line of a batch"],
  ["batch-check", "looks after a batch"],
  ["batch-end", "ends a batch"],
  ["judge", "asks the cache's judge"],
]);

/** Description of a job, with its batch. */
export function workOf({ work, batch }: JobAnswer): JSX.Element {
  return (
    <>
      {WORKS.get(work ?? "") ?? "–"} {batch !== undefined && <small>{batch}</small>}
    </>
  );
}

/** One job: its history, payload and result, and the webhooks about it. */
export function OneJob({ scope, canAct, name, id }: PageProps & { name: string; id: string }): JSX.Element {
  const path = `/queues/${encodeURIComponent(name)}/jobs/${encodeURIComponent(id)}`;
  const { data: job, error, refresh } = useAsked<JobAnswer>(withQuery(path, { scope }), REFRESH_MS);
  const { busy, error: failed, act } = useActing();
  const run = (verb: string) => void act(() => call("POST", withQuery(`${path}/${verb}`, { scope }), {})).then(refresh);
  const isEnded = job !== undefined && ["done", "dead", "cancelled"].includes(job.state);
  return (
    <>
      <Card title={`Job ${id}`} aside={<a href={hrefOf("queue", [name])}>All jobs of {name}</a>}>
        <Failure error={error ?? failed} />
        {job !== undefined && (
          <>
            <div class="row">
              <Badge tone={TONES.get(job.state)}>{job.state}</Badge>
              {job.work !== undefined && <span>{workOf(job)}</span>}
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
                  {job.state} <Moment atMs={job.ended_at_ms} />, {duration(job.ended_at_ms - job.created_at_ms)} after
                  it was made
                  {job.reason === undefined ? "" : `: ${job.reason}`}
                </li>
              )}
            </ol>
            <Content hidden={job.hidden} value={{ payload: job.payload, result: job.result, progress: job.progress }} />
          </>
        )}
      </Card>
      <Deliveries scope={scope} path={path} />
    </>
  );
}

function Deliveries({ scope, path }: { scope: string; path: string }): JSX.Element {
  const { data, error } = useAsked<ListAnswer<DeliveryAnswer>>(withQuery(`${path}/deliveries`, { scope }), REFRESH_MS);
  return (
    <Card title="Webhooks about it">
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="No webhook told of this job">
          POST /v1/tasks/webhooks, or /v1/webhooks for what the gateway does itself, makes an endpoint that hears of
          ends.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Webhooks"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "Event", cell: ({ event }) => event },
            { name: "To", cell: ({ host }) => host },
            {
              name: "State",
              cell: ({ state }) => (
                <Badge tone={state === "delivered" ? "good" : state === "failed" ? "bad" : "plain"}>{state}</Badge>
              ),
            },
            {
              name: "Status",
              isNumber: true,
              cell: ({ status }) => (status === undefined ? "–" : status || "no answer"),
            },
            { name: "Attempts", isNumber: true, cell: ({ attempts }) => count(attempts) },
            { name: "Last", cell: ({ last_at_ms: atMs }) => (atMs === undefined ? "–" : <Moment atMs={atMs} />) },
          ]}
        />
      )}
    </Card>
  );
}
