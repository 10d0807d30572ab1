import type { Batch } from "../batches/batch.ts";
import type { GatewayApp } from "../parts.ts";
import type { BatchAnswer } from "./answers-roles.ts";
import type { ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { nothing, pageQuery, scoped } from "./queries.ts";

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/admin/batches`: lists the batches of all users of a scope, newest first, and cancels one. */
export function registerBatchesAdmin({ app, batches }: GatewayApp): void {
  app.get(
    "/v1/admin/batches",
    { onRequest: checkAdmin, schema: { querystring: pageQuery } },
    async (request): Promise<ListAnswer<BatchAnswer>> => {
      const { after, limit = 25 } = pageQuery.parse(request.query);
      const ofScope = batches(scopeOf(request));
      const page = await ofScope.list({ after, limit }, {});
      // The progress of a running batch is counted beside its record.
      const data = await Promise.all(page.data.map((batch) => ofScope.get(batch.id, {}).catch(() => batch)));
      const next = page.hasMore ? page.data.at(-1)?.id : undefined;
      return { object: "list", data: data.map(toAnswer), ...(next !== undefined && { next }) };
    },
  );

  app.post<Named>(
    "/v1/admin/batches/:id/cancel",
    { onRequest: checkAdmin, schema: { body: nothing, querystring: scoped } },
    async (request): Promise<BatchAnswer> => toAnswer(await batches(scopeOf(request)).cancel(request.params.id, {})),
  );
}

function toAnswer({
  id,
  status,
  endpoint,
  request_counts: lines,
  created_at: at,
  owner,
  metadata,
}: Batch): BatchAnswer {
  return {
    id,
    object: "batch",
    status,
    endpoint,
    lines: lines.total,
    lines_done: lines.completed,
    lines_failed: lines.failed,
    created_at_ms: at * 1_000,
    owner: owner ?? null,
    metadata: metadata ?? {},
  };
}
