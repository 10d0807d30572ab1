import type { JSX } from "preact";
import type { AuditAnswer, ListAnswer } from "../../gateway/admin/answers.ts";
import { withQuery } from "../api.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

/** Log of all writes of the administration, by this page or by a key, latest first. */
export function Audit({ place }: PageProps): JSX.Element {
  const after = place.query.get("after") ?? undefined;
  const { data, error } = useAsked<ListAnswer<AuditAnswer>>(
    withQuery("/audit", { after, limit: 50 }),
    after === undefined ? 5_000 : undefined,
  );
  return (
    <Card title="Acts of administrators" aside={<span class="hint">the last 10,000 are kept</span>}>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="Nothing was changed yet">
          Whatever an administrator does, here or by the admin API, is noted with who did it. Looking is not.
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Acts of administrators"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            { name: "When", cell: ({ at_ms: atMs }) => <Moment atMs={atMs} /> },
            {
              name: "Who",
              cell: ({ by, by_name: name, via }) => (
                <>
                  {name}{" "}
                  <small>
                    {by}, by {via}
                  </small>
                </>
              ),
            },
            { name: "Act", cell: ({ act }) => <code>{act}</code> },
            {
              name: "On",
              isWide: true,
              cell: ({ target }) =>
                Object.entries(target)
                  .map(([name, value]) => `${name}: ${value}`)
                  .join(", ") || "–",
            },
            { name: "Status", cell: ({ status }) => <Badge tone={status < 400 ? "good" : "bad"}>{status}</Badge> },
          ]}
        />
      )}
      {(data?.next !== undefined || after !== undefined) && (
        <p class="pager">
          {after !== undefined && <a href={hrefOf("audit")}>Latest</a>}
          {data?.next !== undefined && <a href={hrefOf("audit", [], { after: data.next })}>Earlier</a>}
        </p>
      )}
    </Card>
  );
}
