import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ContextAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer, SessionEntryAnswer, TurnsAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Content, Empty, Failure, Field, Moment, Pager, Table } from "../parts.tsx";
import { go, hrefOf } from "../place.ts";
import { Facts } from "./facts.tsx";
import type { PageProps } from "./page.ts";

/** A user's sessions, their turns, and forgetting the user. */
export function Sessions(props: PageProps): JSX.Element {
  const [user, session] = props.place.rest;
  return (
    <>
      <Choose now={user} />
      {user !== undefined &&
        (session === undefined ? (
          <>
            <OfUser {...props} user={user} />
            <Facts {...props} user={user} />
          </>
        ) : (
          <>
            <Turns {...props} user={user} id={session} />
            <Context {...props} user={user} id={session} />
          </>
        ))}
    </>
  );
}

function Choose({ now }: { now: string | undefined }): JSX.Element {
  const [user, setUser] = useState(now ?? "");
  return (
    <Card title="Whose sessions?">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (user.trim() !== "") go(hrefOf("sessions", [user.trim()]));
        }}
      >
        <div class="fields">
          <Field label="User" placeholder="as x-marrow-user names it" required value={user} onValue={setUser} />
          <button type="submit">Show</button>
        </div>
      </form>
      {now === undefined && (
        <Empty title="Sessions are a user's">
          Name one above, or follow one from <a href={hrefOf("limits")}>the busiest of today</a>. A chat with the header
          x-marrow-session begins a session.
        </Empty>
      )}
    </Card>
  );
}

function OfUser({ scope, canAct, place, user }: PageProps & { user: string }): JSX.Element {
  const after = place.query.get("after") ?? undefined;
  const path = `/users/${encodeURIComponent(user)}`;
  const { data, error, refresh } = useAsked<ListAnswer<SessionEntryAnswer>>(
    withQuery(`${path}/sessions`, { scope, after }),
  );
  const { busy, error: failed, act } = useActing();
  const [receipt, setReceipt] = useState<Readonly<Record<string, unknown>>>();
  return (
    <Card
      title={`Sessions of ${user}`}
      aside={
        <Confirm
          label="Forget this user"
          question="Take away all that any role holds of this user?"
          disabled={!canAct || busy}
          onYes={() =>
            void act(async () => setReceipt(await call("POST", withQuery(`${path}/forget`, { scope }), {}))).then(
              refresh,
            )
          }
        />
      }
    >
      <Failure error={error ?? failed} />
      {receipt !== undefined && (
        <div role="status">
          <h3>Forgotten</h3>
          <dl class="facts">
            {Object.entries(receipt)
              .filter(([, value]) => typeof value === "number")
              .map(([name, value]) => (
                <div key={name} class="fact">
                  <dt>{name.replaceAll("_", " ")}</dt>
                  <dd>{count(Number(value))}</dd>
                </div>
              ))}
          </dl>
        </div>
      )}
      {data?.data.length === 0 && (
        <Empty title="This user has no session now">Sessions end by themselves when they are not used.</Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label={`Sessions of ${user}`}
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "Session", cell: ({ id }) => <a href={hrefOf("sessions", [user, id])}>{id}</a> },
            { name: "Turns so far", isNumber: true, cell: ({ turns }) => count(turns) },
            { name: "Begun", cell: ({ created_at_ms: atMs }) => <Moment atMs={atMs} /> },
            { name: "Last change", cell: ({ changed_at_ms: atMs }) => <Moment atMs={atMs} /> },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("sessions", [user])}
        next={data?.next && hrefOf("sessions", [user], { after: data.next })}
      />
    </Card>
  );
}

function Turns({ scope, place, user, id }: PageProps & { user: string; id: string }): JSX.Element {
  const before = place.query.get("before") ?? undefined;
  const path = `/users/${encodeURIComponent(user)}/sessions/${encodeURIComponent(id)}`;
  const { data, error } = useAsked<TurnsAnswer>(withQuery(path, { scope, before }));
  return (
    <Card title={`Session ${id}`} aside={<a href={hrefOf("sessions", [user])}>All sessions of {user}</a>}>
      <Failure error={error} />
      {data?.hidden === true && (
        <p class="hint">
          What was said is hidden. <code>dashboard.content: "visible"</code> in the configuration shows it.
        </p>
      )}
      {data?.data.length === 0 && <Empty title="Nothing was said here, or the session has ended" />}
      <ol class="turns">
        {data?.data.map(({ sequence, role, calls, incomplete, characters, turn }) => (
          <li key={sequence} class={role}>
            <strong>{role}</strong>{" "}
            <span class="hint">
              turn {sequence}, {count(characters)} characters
            </span>{" "}
            {calls > 0 && <Badge>{calls} tool calls</Badge>} {incomplete && <Badge tone="warn">no answer yet</Badge>}
            {turn !== undefined && <p>{textOf(turn)}</p>}
          </li>
        ))}
      </ol>
      <Pager
        first={before === undefined ? undefined : hrefOf("sessions", [user, id])}
        next={data?.next && hrefOf("sessions", [user, id], { before: data.next })}
      />
    </Card>
  );
}

/** Context of the session's next chat. */
function Context({ scope, user, id }: PageProps & { user: string; id: string }): JSX.Element {
  const path = `/users/${encodeURIComponent(user)}/sessions/${encodeURIComponent(id)}/context`;
  const { data, error } = useAsked<ContextAnswer>(withQuery(path, { scope }));
  return (
    <Card
      title="What a model gets of it"
      aside={<span class="hint">the last {data?.turns_max ?? "…"} turns, before the new question</span>}
    >
      <Failure error={error} />
      {data?.data.length === 0 && <Empty title="The next chat begins with nothing" />}
      {data !== undefined && data.data.length > 0 && (
        <>
          <p class="hint">
            {count(data.data.length)} messages, {count(data.data.reduce((sum, { characters }) => sum + characters, 0))}{" "}
            characters:{" "}
            {data.data.map(({ role, calls }) => (calls > 0 ? `${role} (${calls} tool calls)` : role)).join(", ")}
          </p>
          <Content hidden={data.hidden} value={data.data.map(({ message }) => message)} />
        </>
      )}
    </Card>
  );
}

function textOf(turn: unknown): string {
  const { content, ...rest } = turn as { readonly content?: unknown };
  return typeof content === "string" ? content : JSON.stringify({ content, ...rest }, undefined, 2);
}
