import type { JSX } from "preact";
import type { DeliveryAnswer, EndpointAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const QUEUES = ["gateway", "tasks"] as const;

/** Endpoints of a scope's webhooks, and the delivery log of one. */
export function Webhooks(props: PageProps): JSX.Element {
  const [queue, endpoint] = (props.place.query.get("endpoint") ?? "").split("/");
  return (
    <Card title="Webhooks" aside={<span class="hint">endpoints of this scope, by their host</span>}>
      {QUEUES.map((name) => (
        <Endpoints key={name} {...props} queue={name} />
      ))}
      {queue !== undefined && endpoint !== undefined && <Deliveries {...props} queue={queue} endpoint={endpoint} />}
    </Card>
  );
}

function Endpoints({ scope, queue }: PageProps & { queue: string }): JSX.Element {
  const { data, error } = useAsked<ListAnswer<EndpointAnswer>>(
    withQuery(`/queues/${queue}/endpoints`, { scope }),
    10_000,
  );
  return (
    <>
      <h3>Of the queue {queue}</h3>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <p class="hint">None. {queue === "gateway" ? "POST /v1/webhooks" : "POST /v1/tasks/webhooks"} adds one.</p>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label={`Endpoints of ${queue}`}
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "Endpoint",
              cell: ({ id, host }) => <a href={hrefOf("queue", [], { endpoint: `${queue}/${id}` })}>{host}</a>,
            },
            { name: "Events", cell: ({ events }) => events.join(", ") },
            {
              name: "State",
              cell: ({ enabled }) => <Badge tone={enabled ? "good" : "warn"}>{enabled ? "on" : "off"}</Badge>,
            },
            {
              name: "Dropped",
              isNumber: true,
              cell: ({ dropped }) => (dropped > 0 ? <Badge tone="bad">{count(dropped)}</Badge> : count(dropped)),
            },
            { name: "Made", cell: ({ created_at_ms: atMs }) => <Moment atMs={atMs} /> },
          ]}
        />
      )}
    </>
  );
}

function Deliveries({ scope, queue, endpoint }: PageProps & { queue: string; endpoint: string }): JSX.Element {
  const path = `/queues/${encodeURIComponent(queue)}/endpoints/${encodeURIComponent(endpoint)}/deliveries`;
  const { data, error } = useAsked<ListAnswer<DeliveryAnswer>>(withQuery(path, { scope }), 5_000);
  return (
    <>
      <h3>Sent to {endpoint}</h3>
      <Failure error={error} />
      {data?.data.length === 0 && <Empty title="Nothing was sent">Deliveries stay for seven days.</Empty>}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Deliveries"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "Event", cell: ({ event }) => event },
            {
              name: "State",
              cell: ({ state }) => (
                <Badge tone={state === "delivered" ? "good" : state === "failed" ? "bad" : "plain"}>{state}</Badge>
              ),
            },
            { name: "Attempts", isNumber: true, cell: ({ attempts }) => count(attempts) },
            { name: "Answer", cell: ({ status, error: why }) => status ?? why ?? "–" },
            { name: "Last", cell: ({ last_at_ms: atMs }) => (atMs === undefined ? "–" : <Moment atMs={atMs} />) },
          ]}
        />
      )}
    </>
  );
}
