import type { JSX } from "preact";
import type { TraceAnswer, TracesAnswer, TraceSpanAnswer } from "../../gateway/admin/answers-roles.ts";
import { withQuery } from "../api.ts";
import { count, duration } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Pager, Stat, Table, Tabs } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import { busyMs } from "../spans.ts";
import type { PageProps } from "./page.ts";

const REFRESH_MS = 3_000;
/** Filters of the list. */
const VIEWS = new Map([
  ["all", {}],
  ["failed or refused", { failed: "true" }],
  ["near misses", { near: "true" }],
  ["over 500 ms", { min_ms: 500 }],
]);

const ASKING = new Set(["ask", "model"]);
const ASKING_OR_REDIS = new Set([...ASKING, "redis"]);

/** The last requests of a scope with their stages, and one of them as a waterfall. */
export function Traces(props: PageProps): JSX.Element {
  const [id] = props.place.rest;
  return id === undefined ? <Requests {...props} /> : <OneRequest {...props} id={id} />;
}

function Requests({ scope, place }: PageProps): JSX.Element {
  const view = place.query.get("view") ?? "all";
  const after = place.query.get("after") ?? undefined;
  const { data, error } = useAsked<TracesAnswer>(
    withQuery("/traces", { scope, after, ...VIEWS.get(view) }),
    after === undefined ? REFRESH_MS : undefined,
  );
  return (
    <Card title="Last requests" aside={data !== undefined && <span class="hint">{told(data)}</span>}>
      <Tabs label="Which" now={view} tabs={[...VIEWS.keys()]} hrefOf={(tab) => hrefOf("traces", [], { view: tab })} />
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title={data.recording === "off" ? "Requests are not recorded" : "No such request was recorded yet"}>
          {data.recording === "off" ? (
            <>
              <code>dashboard.traces: "watched"</code> in the configuration records them while this page is open.
            </>
          ) : (
            <>
              Requests of the scope {scope} are recorded from now on
              {data.recording === "watched" && ", while this page is open"}. Ask something in the{" "}
              <a href={hrefOf("playground")}>playground</a>, and come back.
            </>
          )}
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Last requests"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "Request",
              cell: ({ id, method, route }) => (
                <a href={hrefOf("traces", [id])}>
                  {method} {route}
                </a>
              ),
            },
            { name: "When", cell: ({ at_ms: atMs }) => <Moment atMs={atMs} /> },
            { name: "Status", cell: ({ status }) => <Status status={status} /> },
            { name: "Model", cell: ({ model }) => model ?? "–" },
            {
              name: "Cache",
              cell: ({ cache, veto }) => (
                <>
                  {cache ?? "–"} {veto !== undefined && <small>{veto}</small>}
                </>
              ),
            },
            { name: "Time", isNumber: true, cell: ({ took_ms: tookMs }) => duration(tookMs) },
            {
              name: "Redis",
              isNumber: true,
              cell: ({ spans }) => count(spans.filter(({ name }) => name === "redis").length),
            },
            { name: "Where the time went", isWide: true, cell: (trace) => <Strip trace={trace} /> },
          ]}
        />
      )}
      {data !== undefined && data.data.length > 0 && (
        <p class="legends">
          <span class="legend">
            <i class="w-redis" aria-hidden="true" /> Redis
          </span>
          <span class="legend">
            <i class="w-model" aria-hidden="true" /> waiting for the model
          </span>
        </p>
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("traces", [], { view })}
        next={data?.next && hrefOf("traces", [], { view, after: data.next })}
      />
    </Card>
  );
}

function told({ recording, per_second: most }: TracesAnswer): string {
  if (recording === "off") return "switched off";
  return `${recording === "always" ? "always recorded" : "recorded while somebody looks"}: at most ${most} a second and gateway, the last 500, never their content`;
}

function Status({ status }: { status: number }): JSX.Element {
  return <Badge tone={status >= 500 ? "bad" : status >= 400 ? "warn" : "good"}>{status}</Badge>;
}

/** How a request spent its time, as a bar: the model, Redis, and the rest. */
function Strip({ trace }: { trace: TraceAnswer }): JSX.Element {
  const model = Math.min(trace.took_ms, busyMs(trace.spans, ASKING));
  const redis = Math.min(trace.took_ms, busyMs(trace.spans, ASKING_OR_REDIS)) - model;
  const part = (ms: number) => `${(100 * ms) / Math.max(trace.took_ms, 0.01)}%`;
  return (
    <span class="strip" role="img" aria-label={`model ${duration(model)}, Redis ${duration(redis)}`}>
      <i class="w-redis" style={{ width: part(redis) }} />
      <i class="w-model" style={{ width: part(model) }} />
    </span>
  );
}

function OneRequest({ scope, id }: PageProps & { id: string }): JSX.Element {
  const { data: trace, error } = useAsked<TraceAnswer>(withQuery(`/traces/${encodeURIComponent(id)}`, { scope }));
  const all = <a href={hrefOf("traces")}>All requests</a>;
  if (trace === undefined)
    return (
      <Card title="Request" aside={all}>
        <Failure error={error} />
      </Card>
    );
  const { method, route, took_ms: tookMs, status, spans } = trace;
  return (
    <>
      <Card title={`${method} ${route}`} aside={all}>
        <dl class="stats">
          <Stat name="Status" value={String(status)} tone={status >= 500 ? "bad" : status >= 400 ? "warn" : "good"} />
          <Stat name="Time" value={duration(tookMs)} note={<Moment atMs={trace.at_ms} />} />
          <Stat name="Model" value={trace.model ?? "–"} note={trace.upstream && `answered by ${trace.upstream}`} />
          <Stat name="Cache" value={trace.cache ?? "–"} note={noteOf(trace)} />
          <Stat name="Redis" value={`${spans.filter(({ name }) => name === "redis").length} commands`} />
        </dl>
        <dl class="facts">
          <dt>Request</dt>
          <dd>
            <code>{trace.request_id}</code>
          </dd>
          <dt>Key</dt>
          <dd>
            <code>{trace.key ?? "–"}</code>
          </dd>
        </dl>
      </Card>
      <Card title="What it did" aside={<span class="hint">the line is the end of its answer</span>}>
        {spans.length === 0 ? (
          <Empty title="It was answered before any work began">A refusal, or a request of no model.</Empty>
        ) : (
          <Waterfall spans={spans} tookMs={tookMs} />
        )}
      </Card>
    </>
  );
}

/** Describes the similarity of the nearest stored question, and why it was not served. */
function noteOf({ similarity, veto }: TraceAnswer): string | undefined {
  if (similarity === undefined) return undefined;
  return veto === undefined ? `similarity ${similarity.toFixed(3)}` : `nearest ${similarity.toFixed(3)}: ${veto}`;
}

/** Acts in the order in which they began, each as a bar from its beginning to its end. */
function Waterfall({ spans, tookMs }: { spans: readonly TraceSpanAnswer[]; tookMs: number }): JSX.Element {
  const whole = Math.max(tookMs, ...spans.map(({ at_ms: at, took_ms: took = 0 }) => at + took), 0.01);
  const part = (ms: number) => `${(100 * ms) / whole}%`;
  return (
    <ol class="waterfall">
      {spans.map(({ name, detail, at_ms: at, took_ms: took, failed }, nth) => (
        <li key={nth}>
          <span class={`w-name ${name === "redis" || name === "model" ? "inner" : ""}`}>
            {name} {detail !== undefined && <small>{detail}</small>}
          </span>
          <span class="w-track" aria-hidden="true">
            <i
              class={failed === undefined ? `w-${name}` : "w-failed"}
              style={{ left: part(at), width: part(took ?? whole - at) }}
            />
            <b style={{ left: part(tookMs) }} />
          </span>
          <span class="w-time">
            {duration(took)} {failed !== undefined && <Badge tone="bad">{failed}</Badge>}
          </span>
        </li>
      ))}
    </ol>
  );
}
