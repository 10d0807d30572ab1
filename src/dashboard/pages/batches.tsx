import type { JSX } from "preact";
import type { BatchAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Empty, Failure, Moment, Pager, Table, type Tone } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const REFRESH_MS = 3_000;
const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ["completed", "good"],
  ["in_progress", "good"],
  ["failed", "bad"],
  ["expired", "bad"],
  ["cancelled", "warn"],
  ["cancelling", "warn"],
]);
const OPEN = new Set(["validating", "in_progress"]);

/** The batches of all users of a scope, and how far each is. */
export function Batches({ scope, canAct, place }: PageProps): JSX.Element {
  const after = place.query.get("batches") ?? undefined;
  const { data, error, refresh } = useAsked<ListAnswer<BatchAnswer>>(
    withQuery("/batches", { scope, after }),
    REFRESH_MS,
  );
  const { busy, error: failed, act } = useActing();
  const cancel = (id: string) =>
    void act(() => call("POST", withQuery(`/batches/${encodeURIComponent(id)}/cancel`, { scope }), {})).then(refresh);
  return (
    <Card title="Batches" aside={<span class="hint">their lines are jobs of the queue gateway</span>}>
      <Failure error={error ?? failed} />
      {data?.data.length === 0 && (
        <Empty title="This scope has no batch">
          POST /v1/batches makes one of a file of requests, as with OpenAI's clients.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Batches"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "Batch",
              cell: ({ id, metadata }) => (
                <>
                  <code>{id}</code> <Metadata of={metadata} />
                </>
              ),
            },
            { name: "State", cell: ({ status }) => <Badge tone={TONES.get(status)}>{status}</Badge> },
            { name: "Endpoint", cell: ({ endpoint }) => endpoint },
            {
              name: "Lines done",
              isNumber: true,
              cell: ({ lines, lines_done: done }) => `${count(done)} of ${count(lines)}`,
            },
            { name: "Failed", isNumber: true, cell: ({ lines_failed: lost }) => count(lost) },
            { name: "Owner", cell: ({ owner }) => owner ?? "the scope" },
            { name: "Made", cell: ({ created_at_ms: atMs }) => <Moment atMs={atMs} /> },
            {
              name: "Act",
              cell: ({ id, status }) => (
                <Confirm
                  label="Cancel"
                  question="Cancel this batch?"
                  disabled={!canAct || busy || !OPEN.has(status)}
                  onYes={() => cancel(id)}
                />
              ),
            },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("queue")}
        next={data?.next && hrefOf("queue", [], { batches: data.next })}
      />
    </Card>
  );
}

function Metadata({ of }: { of: BatchAnswer["metadata"] }): JSX.Element {
  const pairs = Object.entries(of).map(([name, value]) => `${name}: ${value}`);
  return <small>{pairs.join(", ")}</small>;
}
