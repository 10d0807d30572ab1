import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { createWebhooks, type Delivery, type Endpoint, type Webhooks } from "../../queue/index.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";
import type { GatewayConfig } from "../config/config.ts";

const fields = {
  url: z.string().min(1).max(2_048),
  events: z.array(z.string().max(65)).min(1).max(64).optional(),
  ordered: z.boolean().optional(),
  enabled: z.boolean().optional(),
};
const createBody = z.strictObject({ ...fields, secret: z.string().max(128).optional() });
const updateBody = z.strictObject({ ...fields, url: fields.url.optional() });
const rotateBody = z.strictObject({ overlap_seconds: z.int().min(0).max(2_592_000).optional() }).nullish();
const redriveBody = z
  .strictObject({
    ids: z.array(z.string().max(128)).max(1_000).optional(),
    from: z.int().min(0).optional(),
    to: z.int().min(0).optional(),
  })
  .nullish();

interface Named {
  Params: { readonly id: string };
}

const seconds = (ms: number | undefined) => (ms === undefined ? null : Math.floor(ms / 1000));

/** Registers `/v1/webhooks`: a scope's endpoints for events of the gateway; with `/v1/tasks/webhooks` the same for plain jobs. */
export function registerWebhooks(
  { app, redis }: GatewayApp,
  { allowNetworks, allowHttp }: GatewayConfig["webhooks"],
): void {
  for (const [path, name] of [
    ["/v1/webhooks", GATEWAY_QUEUE],
    ["/v1/tasks/webhooks", TASKS_QUEUE],
  ] as const) {
    const of = (request: FastifyRequest): Webhooks =>
      createWebhooks(redis.scope(request.principal.scope), { name, allowNetworks, allowHttp });

    app.post(path, { schema: { body: createBody } }, async (request) => {
      const { secret, ...endpoint } = await of(request).create(request.body as z.infer<typeof createBody>);
      return { ...toBody(endpoint), secret };
    });
    app.get(path, async (request) => ({
      object: "list",
      data: (await of(request).list()).map(toBody),
      has_more: false,
    }));
    app.get<Named>(`${path}/:id`, async (request) => toBody(await of(request).get(request.params.id)));
    app.post<Named>(`${path}/:id`, { schema: { body: updateBody } }, async (request) =>
      toBody(await of(request).update(request.params.id, request.body as z.infer<typeof updateBody>)),
    );
    app.delete<Named>(`${path}/:id`, async (request) => {
      const deleted = await of(request).remove(request.params.id);
      return { id: request.params.id, object: "webhook_endpoint", deleted };
    });
    app.post<Named>(`${path}/:id/rotate`, { schema: { body: rotateBody } }, async (request) => {
      const { overlap_seconds: overlap } = (request.body ?? {}) as { overlap_seconds?: number };
      const overlapMs = overlap === undefined ? undefined : overlap * 1000;
      return { id: request.params.id, ...(await of(request).rotate(request.params.id, { overlapMs })) };
    });
    app.post<Named>(`${path}/:id/test`, async (request) => ({ delivery: await of(request).test(request.params.id) }));
    app.get<Named>(`${path}/:id/deliveries`, async (request) => {
      const data = (await of(request).deliveries(request.params.id)).map(toDeliveryBody);
      return { object: "list", data, has_more: false };
    });
    app.post<Named>(`${path}/:id/redrive`, { schema: { body: redriveBody } }, async (request) => {
      const { ids, from, to } = (request.body ?? {}) as z.infer<typeof redriveBody> & object;
      const range = {
        ...(ids !== undefined && { ids }),
        ...(from !== undefined && { fromMs: from * 1000 }),
        ...(to !== undefined && { toMs: to * 1000 + 999 }),
      };
      return { deliveries: await of(request).redrive(request.params.id, range) };
    });
  }
}

function toBody({ id, url, events, ordered, enabled, disabledReason, dropped, createdAtMs, unreadable }: Endpoint) {
  const reason = disabledReason ?? null;
  return {
    id,
    object: "webhook_endpoint",
    created_at: seconds(createdAtMs),
    url,
    events,
    ordered,
    enabled,
    disabled_reason: reason,
    dropped,
    ...(unreadable !== undefined && { unreadable }),
  };
}

function toDeliveryBody({ id, event, jobId, state, attempts, status, error, createdAtMs, lastAtMs }: Delivery) {
  return {
    id,
    object: "webhook_delivery",
    event,
    data: { id: jobId },
    state,
    attempts,
    last_status: status ?? null,
    last_error: error ?? null,
    created_at: seconds(createdAtMs),
    last_at: seconds(lastAtMs),
  };
}
