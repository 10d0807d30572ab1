import { z } from "zod";
import { askerOf, reachOf } from "../tenancy/asker.ts";
import { BATCH_ENDPOINTS, type Batch } from "../batches/batch.ts";
import { metadataPairs } from "./metadata.ts";
import { pageQuery, toListBody, toPageOptions } from "./pages.ts";
import type { GatewayApp } from "../parts.ts";

const createBody = z.strictObject({
  input_file_id: z.string().min(1).max(256),
  endpoint: z.enum(BATCH_ENDPOINTS),
  completion_window: z.literal("24h"),
  metadata: metadataPairs.nullish(),
  output_expires_after: z
    .strictObject({ anchor: z.literal("created_at"), seconds: z.int().min(3_600).max(2_592_000) })
    .nullish(),
});

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/batches`: the lines of a file as jobs of the gateway's queue. */
export function registerBatches({ app, batches }: GatewayApp): void {
  app.post("/v1/batches", { schema: { body: createBody } }, async (request) => {
    const {
      input_file_id,
      endpoint,
      metadata,
      output_expires_after: life,
    } = request.body as z.infer<typeof createBody>;
    const asker = askerOf(request, undefined);
    const batch = { input_file_id, endpoint, metadata: metadata ?? null, output_life: life?.seconds };
    return toBody(await batches(asker.scope).create(batch, asker));
  });

  app.get("/v1/batches", { schema: { querystring: pageQuery } }, async (request) => {
    const page = await batches(request.principal.scope).list(toPageOptions(request.query), reachOf(request));
    return toListBody(page, toBody);
  });

  app.get<Named>("/v1/batches/:id", async (request) =>
    toBody(await batches(request.principal.scope).get(request.params.id, reachOf(request))),
  );

  app.post<Named>("/v1/batches/:id/cancel", async (request) =>
    toBody(await batches(request.principal.scope).cancel(request.params.id, reachOf(request))),
  );
}

function toBody({ owner: _, output_life: __, ...batch }: Batch): Omit<Batch, "owner" | "output_life"> {
  return batch;
}
