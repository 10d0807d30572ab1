import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { TopicAnswer } from "../../gateway/admin/answers-roles.ts";
import type { AgentAnswer, DeadLetterAnswer, ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { bytes, count, percent } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Empty, Failure, Field, Moment, Pager, Table } from "../parts.tsx";
import { go, hrefOf } from "../place.ts";
import { CallTrees } from "./call-trees.tsx";
import type { PageProps } from "./page.ts";

/** Agents on the bus of a scope, and the dead letters of a topic's groups. */
export function Agents(props: PageProps): JSX.Element {
  const { scope, place } = props;
  const after = place.query.get("after") ?? undefined;
  const { data, error } = useAsked<ListAnswer<AgentAnswer>>(withQuery("/agents", { scope, after }), 3_000);
  const [topic, group] = place.rest;
  return (
    <>
      <Card title="Agents of this scope">
        <Failure error={error} />
        {data?.data.length === 0 && (
          <Empty title="No agent was heard of">
            bus.register(card, handler) of marrow/bus makes one; it is shown here within a second.
          </Empty>
        )}
        {data !== undefined && data.data.length > 0 && (
          <Table
            label="Agents"
            rows={data.data}
            keyOf={({ name }) => name}
            columns={[
              { name: "Agent", cell: ({ name, version }) => `${name} ${version ?? ""}` },
              {
                name: "State",
                cell: ({ state }) => <Badge tone={state === "online" ? "good" : "warn"}>{state}</Badge>,
              },
              { name: "Since", cell: ({ since_ms: atMs }) => <Moment atMs={atMs} /> },
              { name: "Load", isNumber: true, cell: ({ load }) => percent(load, 1) },
              { name: "Processes", isNumber: true, cell: ({ instances }) => count(instances) },
              { name: "Skills", isWide: true, cell: ({ skills }) => skills.join(", ") || "–" },
            ]}
          />
        )}
        <Pager
          first={after === undefined ? undefined : hrefOf("agents")}
          next={data?.next && hrefOf("agents", [], { after: data.next })}
        />
      </Card>
      {topic === undefined && <CallTrees {...props} />}
      {topic === undefined ? <Topics {...props} /> : <Topic {...props} topic={topic} />}
      {topic !== undefined && group !== undefined && <Dead {...props} topic={topic} group={group} />}
    </>
  );
}

/** Durable topics by name, each with the groups that read it. */
function Topics({ scope, place }: PageProps): JSX.Element {
  const after = place.query.get("topics") ?? undefined;
  const [named, setNamed] = useState("");
  const { data, error } = useAsked<ListAnswer<TopicAnswer>>(withQuery("/topics", { scope, after }), 3_000);
  return (
    <Card title="Durable topics of this scope">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (named.trim() !== "") go(hrefOf("agents", [named.trim()]));
        }}
      >
        <div class="fields">
          <Field label="Topic" placeholder="its name, to open it" value={named} onValue={setNamed} />
          <button type="submit">Show</button>
        </div>
      </form>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="This scope has no topic">
          bus.topic(name).publish(message) of marrow/bus makes one; it is listed from its first message or reader on.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Topics"
          rows={data.data}
          keyOf={({ name }) => name}
          columns={[
            { name: "Topic", cell: ({ name }) => <a href={hrefOf("agents", [name])}>{name}</a> },
            {
              name: "Messages",
              isNumber: true,
              cell: ({ size, messages_max: most }) =>
                most === null ? count(size) : `${count(size)} of ${count(most)}`,
            },
            { name: "Size", isNumber: true, cell: ({ bytes: size }) => (size === null ? "–" : bytes(size)) },
            { name: "Partitions", isNumber: true, cell: ({ partitions }) => count(partitions) },
            { name: "Dead letters", isNumber: true, cell: ({ dead_letters: dead }) => <DeadCount dead={dead} /> },
            {
              name: "Lag by group",
              isWide: true,
              cell: ({ name, groups, groups_count: all }) => (
                <>
                  {groups.length === 0 && "read by no group"}
                  {groups.map(({ group, lag }, nth) => (
                    <span key={group}>
                      {nth > 0 && ", "}
                      <a href={hrefOf("agents", [name, group])}>{group}</a> {count(lag)}
                    </span>
                  ))}
                  {all > groups.length && `, and ${count(all - groups.length)} more`}
                </>
              ),
            },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("agents")}
        next={data?.next && hrefOf("agents", [], { topics: data.next })}
      />
    </Card>
  );
}

function DeadCount({ dead }: { dead: number }): JSX.Element {
  return dead === 0 ? <>0</> : <Badge tone="bad">{count(dead)}</Badge>;
}

function Topic({ scope, topic }: PageProps & { topic: string }): JSX.Element {
  const { data, error } = useAsked<TopicAnswer>(withQuery(`/topics/${encodeURIComponent(topic)}`, { scope }), 3_000);
  return (
    <Card title={`Topic ${topic}`} aside={<a href={hrefOf("agents")}>All topics</a>}>
      <Failure error={error} />
      {data !== undefined && data.groups.length === 0 && (
        <Empty title={`${count(data.size)} messages, read by no group`} />
      )}
      {data !== undefined && data.groups.length > 0 && (
        <>
          <p>{count(data.size)} messages are in it.</p>
          <Table
            label="Groups"
            rows={data.groups}
            keyOf={({ group }) => group}
            columns={[
              { name: "Group", cell: ({ group }) => <a href={hrefOf("agents", [data.name, group])}>{group}</a> },
              { name: "Lag", isNumber: true, cell: ({ lag }) => count(lag) },
              { name: "Readers", isNumber: true, cell: ({ readers }) => count(readers) },
              { name: "Dead letters", isNumber: true, cell: ({ dead_letters: dead }) => <DeadCount dead={dead} /> },
              { name: "Read last", cell: ({ seen_at_ms: atMs }) => <Moment atMs={atMs} /> },
            ]}
          />
          {data.groups_count > data.groups.length && (
            <p class="hint">
              The first {count(data.groups.length)} of {count(data.groups_count)} groups.
            </p>
          )}
        </>
      )}
    </Card>
  );
}

function Dead({ scope, canAct, topic, group }: PageProps & { topic: string; group: string }): JSX.Element {
  const path = `/topics/${encodeURIComponent(topic)}/groups/${encodeURIComponent(group)}`;
  const { data, error, refresh } = useAsked<ListAnswer<DeadLetterAnswer>>(withQuery(`${path}/dead`, { scope }), 3_000);
  const { busy, error: failed, act } = useActing();
  const redrive = (body: object) =>
    void act(() => call("POST", withQuery(`${path}/redrive`, { scope }), body)).then(refresh);
  return (
    <Card
      title={`What ${group} put aside`}
      aside={
        <Confirm
          label="Redrive the oldest 100"
          question="Give them to the group again?"
          disabled={!canAct || busy}
          onYes={() => redrive({ limit: 100 })}
        />
      }
    >
      <Failure error={error ?? failed} />
      {data?.data.length === 0 && <Empty title="Nothing was put aside" />}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Dead letters"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "Message", cell: ({ id }) => <code>{id}</code> },
            { name: "Key", cell: ({ key }) => key ?? "–" },
            { name: "Reason", cell: ({ reason, message }) => `${reason} ${message ?? ""}` },
            {
              name: "Body",
              cell: ({ hidden, body }) =>
                hidden ? <span class="hint">hidden</span> : <code>{JSON.stringify(body)}</code>,
            },
            {
              name: "Act",
              cell: ({ id }) => (
                <button type="button" class="quiet" disabled={!canAct || busy} onClick={() => redrive({ ids: [id] })}>
                  Redrive
                </button>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
