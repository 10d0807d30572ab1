import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { FactAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Empty, Failure, Moment, Table, type Tone } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ["trusted", "good"],
  ["untrusted", "warn"],
  ["quarantined", "bad"],
]);

/** Facts about a user across sessions, with their origin. */
export function Facts({ scope, canAct, user }: PageProps & { user: string }): JSX.Element {
  const [all, setAll] = useState(false);
  const path = `/users/${encodeURIComponent(user)}/facts`;
  const { data, error, refresh } = useAsked<ListAnswer<FactAnswer>>(
    withQuery(path, { scope, all: all ? "true" : undefined }),
  );
  const { busy, error: failed, act } = useActing();
  return (
    <Card
      title={`Known of ${user}`}
      aside={
        <button type="button" class="quiet" aria-pressed={all} onClick={() => setAll(!all)}>
          {all ? "Only what holds now" : "Earlier facts, too"}
        </button>
      }
    >
      <Failure error={error ?? failed} />
      {data?.data.length === 0 && (
        <Empty title="Nothing is known of this user">
          POST /v1/memories remembers a fact; a model does it with the memory tools of the library or of /mcp.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Facts"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "Fact",
              cell: ({ hidden, text, key, superseded_by: newer }) => (
                <>
                  {hidden ? <span class="hint">hidden</span> : text} {key !== undefined && <small>{key}</small>}{" "}
                  {newer !== undefined && <Badge tone="warn">superseded</Badge>}
                </>
              ),
            },
            { name: "Kind", cell: ({ kind }) => kind },
            {
              name: "Source",
              cell: ({ source: { role, session, sequence } }) => (
                <>
                  {role}
                  {session !== undefined && (
                    <>
                      , <a href={hrefOf("sessions", [user, session])}>{session}</a>
                    </>
                  )}
                  {sequence !== undefined && `, turn ${count(sequence)}`}
                </>
              ),
            },
            { name: "Trust", cell: ({ trust }) => <Badge tone={TONES.get(trust)}>{trust}</Badge> },
            { name: "Said", isNumber: true, cell: ({ seen }) => count(seen) },
            { name: "Last", cell: ({ seen_at_ms: atMs }) => <Moment atMs={atMs} /> },
            {
              name: "Act",
              cell: ({ id }) => (
                <Confirm
                  label="Forget"
                  question="Forget this fact?"
                  disabled={!canAct || busy}
                  onYes={() =>
                    void act(() => call("DELETE", withQuery(`${path}/${encodeURIComponent(id)}`, { scope }))).then(
                      refresh,
                    )
                  }
                />
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
