import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { StandingAnswer } from "../../gateway/admin/answers-roles.ts";
import { call, withQuery } from "../api.ts";
import { count, duration, percent } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Choice, Empty, Failure, Field, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const HOUR_MS = 3_600_000;

/** A user's state for each limit, and exceptions: more units for a time, or other limits. */
export function UserLimits({ scope, canAct, user }: PageProps & { user: string }): JSX.Element {
  const path = `/users/${encodeURIComponent(user)}`;
  const { data, error, refresh } = useAsked<StandingAnswer>(withQuery(path, { scope }), 3_000);
  const { busy, error: failed, act } = useActing();
  const [chosen, setChosen] = useState<string>();
  const [units, setUnits] = useState("");
  const [hours, setHours] = useState("1");
  const rules = data?.limits.map(({ id }) => id) ?? [];
  const rule = chosen ?? rules[0] ?? "";
  const [many, forMs] = [Number(units), Math.round(Number(hours) * HOUR_MS)];
  const isGiven = units.trim() !== "" && many >= 0 && forMs >= 1 && rule !== "";
  const run = (verb: string, body: unknown) =>
    void act(() => call("POST", withQuery(`${path}/${verb}`, { scope }), body)).then(refresh);
  const exceptions = Object.keys(data?.exceptions ?? {});
  return (
    <Card
      title={`Limits of ${user}`}
      aside={
        <span class="row">
          <a href={hrefOf("sessions", [user])}>Sessions and facts</a>
          <a href={hrefOf("limits")}>All users</a>
        </span>
      }
    >
      <Failure error={error ?? failed} />
      {data !== undefined && (
        <div class="row">
          <Badge tone={data.blocked ? "bad" : "good"}>{data.blocked ? "blocked" : "may ask"}</Badge>
          <span class="hint">plan: {data.plan ?? "none of its own"}</span>
          {exceptions.length > 0 && <Badge tone="warn">exceptions: {exceptions.join(", ")}</Badge>}
        </div>
      )}
      {data?.limits.length === 0 && <Empty title="No limit holds for this user" />}
      {data !== undefined && data.limits.length > 0 && (
        <Table
          label={`Limits of ${user}`}
          rows={data.limits}
          keyOf={({ id }) => id}
          columns={[
            { name: "Rule", cell: ({ id }) => id },
            {
              name: "Used",
              isWide: true,
              cell: ({ id, used, limit }) => (
                <>
                  <meter
                    min={0}
                    max={1}
                    high={0.8}
                    optimum={0}
                    value={Math.min(1, used / Math.max(1, limit))}
                    aria-label={id}
                  />
                  <small>
                    {count(Math.round(used))} of {count(limit)}, {percent(used, limit)}
                  </small>
                </>
              ),
            },
            { name: "Whole again in", isNumber: true, cell: ({ resetMs }) => duration(resetMs) },
          ]}
        />
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isGiven) run("boost", { more: { [rule]: many }, for_ms: forMs });
        }}
      >
        <div class="fields">
          <Choice label="Rule" value={rule} options={rules.length === 0 ? [rule] : rules} onValue={setChosen} />
          <Field label="Units" placeholder="such as 100" value={units} onValue={setUnits} />
          <Field label="For so many hours" value={hours} onValue={setHours} />
        </div>
        <div class="row">
          <button type="submit" disabled={!canAct || busy || !isGiven}>
            Give so many more
          </button>
          <button
            type="button"
            disabled={!canAct || busy || !isGiven}
            onClick={() => run("override", { limits: { [rule]: many }, for_ms: forMs })}
          >
            Set the limit to it
          </button>
          <button type="button" class="quiet" disabled={!canAct || busy} onClick={() => run("restore", {})}>
            Take exceptions back
          </button>
        </div>
      </form>
    </Card>
  );
}
