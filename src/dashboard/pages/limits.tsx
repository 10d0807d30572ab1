import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { KeyAnswer, ListAnswer, UserAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count, duration, money, percent } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Choice, Confirm, Empty, Failure, Field, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";
import { UserLimits } from "./user-limits.tsx";

const REFRESH_MS = 5_000;
const DAYS = 30;
/** Keys that are shown; a filter finds others. */
const SHOWN_MAX = 200;

interface SpendRow {
  readonly name: string;
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost: number;
}

/** Keys and users, their limits and costs. */
export function Limits(props: PageProps): JSX.Element {
  const [user] = props.place.rest;
  if (user !== undefined) return <UserLimits {...props} user={user} />;
  return (
    <>
      <Users {...props} />
      <Spend {...props} />
      <Keys {...props} />
    </>
  );
}

function Users({ scope, canAct }: PageProps): JSX.Element {
  const { data, error, refresh } = useAsked<ListAnswer<UserAnswer>>(withQuery("/users", { scope }), REFRESH_MS);
  const { busy, error: failed, act } = useActing();
  const run = (user: string, verb: string, body: unknown) =>
    void act(() => call("POST", withQuery(`/users/${encodeURIComponent(user)}/${verb}`, { scope }), body)).then(
      refresh,
    );
  return (
    <Card title="Users, the busiest of today" aside={<span class="hint">and how near each is to a limit</span>}>
      <Failure error={error ?? failed} />
      {data?.data.length === 0 && (
        <Empty title="No model was asked in this scope today">
          Users are listed once an answer of a model was counted for them.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Users of today"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "User", cell: ({ id }) => <a href={hrefOf("limits", [id])}>{id}</a> },
            { name: "Plan", cell: ({ plan }) => plan ?? "–" },
            { name: "Answers", isNumber: true, cell: ({ requests }) => count(requests) },
            { name: "Tokens", isNumber: true, cell: ({ tokens }) => count(tokens) },
            { name: "Cost", isNumber: true, cell: ({ cost }) => money(cost) },
            {
              name: "Nearest limit",
              isWide: true,
              cell: ({ id, nearest }) =>
                nearest === undefined ? (
                  "limits are off"
                ) : (
                  <>
                    <meter
                      min={0}
                      max={1}
                      high={0.8}
                      optimum={0}
                      value={Math.min(1, nearest.used / nearest.limit)}
                      aria-label={`${id}: part of ${nearest.rule} that is used`}
                    />
                    <small>
                      {percent(nearest.used, nearest.limit)} of {nearest.rule}, anew in {duration(nearest.reset_ms)}
                    </small>
                  </>
                ),
            },
            {
              name: "Act",
              cell: ({ id }) => (
                <span class="row">
                  <Confirm
                    label="Block 1 h"
                    question={`Block ${id}?`}
                    disabled={!canAct || busy}
                    onYes={() => run(id, "block", { for_ms: 3_600_000 })}
                  />
                  <button type="button" class="quiet" disabled={!canAct || busy} onClick={() => run(id, "unblock", {})}>
                    Unblock
                  </button>
                </span>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function Spend({ scope }: PageProps): JSX.Element {
  const [by, setBy] = useState("model");
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const { data, error } = useAsked<{ readonly data: readonly SpendRow[] }>(
    withQuery("/spend", { scope, by, from: day(DAYS - 1), to: day(0), limit: SHOWN_MAX }),
  );
  const rows = data?.data ?? [];
  return (
    <Card
      title={`Spend of ${DAYS} days`}
      aside={<Choice label="By" value={by} options={["model", "user", "key"]} onValue={setBy} />}
    >
      <Failure error={error} />
      {rows.length === 0 && data !== undefined && <Empty title="Nothing was spent in this scope" />}
      {rows.length > 0 && (
        <Table
          label={`Spend by ${by}`}
          rows={rows}
          keyOf={({ name }) => name}
          columns={[
            { name: by, cell: ({ name }) => name || "–" },
            { name: "Answers", isNumber: true, cell: ({ requests }) => count(requests) },
            { name: "Prompt tokens", isNumber: true, cell: ({ prompt_tokens: tokens }) => count(tokens) },
            { name: "Completion tokens", isNumber: true, cell: ({ completion_tokens: tokens }) => count(tokens) },
            { name: "Cost", isNumber: true, cell: ({ cost }) => money(cost) },
          ]}
        />
      )}
    </Card>
  );
}

const toDay = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);

/** Keys of a scope that are counted. */
const KEYS_MAX = 1_000;

function Keys({ scope, canAct }: PageProps): JSX.Element {
  const { data, error, refresh } = useAsked<ListAnswer<KeyAnswer>>(withQuery("/keys", { scope, limit: KEYS_MAX }));
  const { busy, error: failed, act } = useActing();
  const [made, setMade] = useState<string>();
  const [name, setName] = useState("");
  const [user, setUser] = useState("");
  const [role, setRole] = useState("none");
  const [acts, setActs] = useState("any");
  const own = data?.data ?? [];
  const make = () =>
    act(async () => {
      const body = {
        scope,
        user: user.trim() || "default",
        name: name.trim() || "made by the dashboard",
        acts_for: acts,
        ...(role !== "none" && { role }),
      };
      const { key } = await call<{ readonly key: string }>("POST", "/keys", body);
      setMade(key);
      refresh();
    });
  return (
    <Card title="API keys of this scope" aside={<span class="hint">{count(own.length)}</span>}>
      <Failure error={error ?? failed} />
      {made !== undefined && (
        <p class="secret" role="status">
          The key, shown only this once: <code>{made}</code>{" "}
          <button type="button" class="quiet" onClick={() => setMade(undefined)}>
            I have it
          </button>
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <div class="fields">
          <Field label="Name" placeholder="what it is for" value={name} onValue={setName} />
          <Field label="User of the key" placeholder="default" value={user} onValue={setUser} />
          <Choice label="Acts for" value={acts} options={["any", "own"]} onValue={setActs} />
          <Choice label="Role" value={role} options={["none", "viewer", "admin"]} onValue={setRole} />
        </div>
        <button type="submit" disabled={!canAct || busy}>
          Make a key
        </button>
      </form>
      {own.length === 0 ? (
        <Empty title="No key stands for this scope">Make one above, or choose another scope at the top.</Empty>
      ) : (
        <Table
          label="API keys"
          rows={own.slice(0, SHOWN_MAX)}
          keyOf={({ id }) => id}
          columns={[
            { name: "Name", cell: ({ name: called }) => called },
            { name: "Id", cell: ({ id }) => <code>{id}</code> },
            {
              name: "User",
              cell: ({ user: of, acts_for: forWhom }) => (forWhom === "any" ? `${of}, acts for any` : of),
            },
            { name: "Plan", cell: ({ plan }) => plan ?? "–" },
            {
              name: "Role",
              cell: ({ role: of }) =>
                of === null ? "–" : <Badge tone={of === "admin" ? "warn" : "plain"}>{of}</Badge>,
            },
            {
              name: "Ends",
              cell: ({ ends_at_ms: endsAtMs, ended }) =>
                ended ? <Badge tone="warn">ended</Badge> : endsAtMs === null ? "never" : toDay(endsAtMs),
            },
            {
              name: "Act",
              cell: ({ id, name: called }) => (
                <Confirm
                  label="End"
                  question={`End ${called}?`}
                  disabled={!canAct || busy}
                  onYes={() => void act(() => call("DELETE", `/keys/${encodeURIComponent(id)}`)).then(refresh)}
                />
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
