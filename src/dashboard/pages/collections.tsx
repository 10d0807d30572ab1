import type { JSX } from "preact";
import type { CollectionAnswer, MigrationAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { withQuery } from "../api.ts";
import { bytes, count, percent } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Pager, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const REFRESH_MS = 5_000;
/** Recall that counts as good. */
const GOOD_RECALL = 0.9;

/** Collections of the library in this scope, with the recall of their searches. */
export function Collections({ scope, place }: PageProps): JSX.Element {
  const after = place.query.get("collections") ?? undefined;
  const { data, error } = useAsked<ListAnswer<CollectionAnswer>>(
    withQuery("/vectors/collections", { scope, after }),
    REFRESH_MS,
  );
  return (
    <Card title="Collections of this scope" aside={<span class="hint">items of their namespace default</span>}>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="This scope has no collection">
          createVectors(redis, options) of marrow/vectors makes one; it is listed from its first item on.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Collections"
          rows={data.data}
          keyOf={({ name }) => name}
          columns={[
            { name: "Collection", cell: ({ name }) => name },
            { name: "Engine", cell: ({ engine, index, metric }) => `${engine}, ${index}, ${metric}` },
            { name: "Items", isNumber: true, cell: ({ items }) => (items === null ? "–" : count(items)) },
            { name: "Size", isNumber: true, cell: ({ bytes: size }) => (size === null ? "–" : bytes(size)) },
            {
              name: "Recall",
              cell: ({ recall }) =>
                recall === null ? (
                  "not checked"
                ) : (
                  <>
                    <Recall share={recall.share} /> <span class="hint">{count(recall.samples)} samples</span>
                  </>
                ),
            },
            { name: "Embedder", cell: ({ fingerprint, dimensions }) => `${fingerprint}, ${count(dimensions)}` },
            {
              name: "Attributes",
              isWide: true,
              cell: ({ attributes }) =>
                Object.entries(attributes)
                  .map(([name, kind]) => `${name}: ${kind}`)
                  .join(", ") || "–",
            },
            { name: "Written", cell: ({ seen_at_ms: atMs }) => <Moment atMs={atMs} /> },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("vectors")}
        next={data?.next && hrefOf("vectors", [], { collections: data.next })}
      />
    </Card>
  );
}

/** Migrations of collections to another embedder or engine. */
export function Migrations({ scope, place }: PageProps): JSX.Element {
  const after = place.query.get("migrations") ?? undefined;
  const { data, error } = useAsked<ListAnswer<MigrationAnswer>>(
    withQuery("/vectors/migrations", { scope, after }),
    REFRESH_MS,
  );
  return (
    <Card title="Migrations">
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="Nothing is being moved">
          createMigration of marrow/vectors moves a collection to another embedder or engine while it is used.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Migrations"
          rows={data.data}
          keyOf={({ name }) => name}
          columns={[
            { name: "Migration", cell: ({ name }) => name },
            {
              name: "Phase",
              cell: ({ phase }) => <Badge tone={phase === "copying" ? "warn" : "good"}>{phase}</Badge>,
            },
            { name: "Copied", cell: ({ copied }) => (copied ? "all of it" : "not yet") },
            { name: "Verified", cell: ({ verified }) => (verified ? "yes" : "not yet") },
            { name: "Items", isNumber: true, cell: ({ items }) => (items === null ? "–" : count(items)) },
            { name: "Recall", cell: ({ recall }) => (recall === null ? "–" : <Recall share={recall} />) },
            { name: "Last step", cell: ({ seen_at_ms: atMs }) => <Moment atMs={atMs} /> },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("vectors")}
        next={data?.next && hrefOf("vectors", [], { migrations: data.next })}
      />
    </Card>
  );
}

function Recall({ share }: { share: number }): JSX.Element {
  return <Badge tone={share >= GOOD_RECALL ? "good" : "warn"}>{percent(share, 1)}</Badge>;
}
