import { z } from "zod";
import { createWebhooks, type Delivery, type Endpoint } from "../../queue/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type { DeliveryAnswer, EndpointAnswer } from "./answers-roles.ts";
import type { ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { name, scoped } from "./queries.ts";
import { withUnreadable } from "./rows.ts";

const deliveriesQuery = z.looseObject({
  scope: name.optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
});
const queue = z.enum(["gateway", "tasks"]);
/** Endpoints that are shown. */
const ENDPOINTS_MAX = 200;

interface OfQueue {
  Params: { readonly queue: string };
}
interface OfEndpoint {
  Params: { readonly queue: string; readonly id: string };
}

/** Registers `/v1/admin/queues/{queue}/endpoints`: the endpoints of a scope's webhooks, and the log of deliveries. */
export function registerEndpoints(
  { app, redis }: GatewayApp,
  { webhooks: { allowNetworks, allowHttp } }: Pick<GatewayConfig, "webhooks">,
): void {
  const open = (scope: string, of: string) =>
    createWebhooks(redis.scope(scope), { name: of, allowNetworks, allowHttp });

  app.get<OfQueue>(
    "/v1/admin/queues/:queue/endpoints",
    { onRequest: checkAdmin, schema: { params: z.object({ queue }), querystring: scoped } },
    async (request): Promise<ListAnswer<EndpointAnswer>> => {
      const found = await open(scopeOf(request), request.params.queue).list();
      const readable = found.filter(({ unreadable }) => unreadable === undefined);
      const data = readable.slice(0, ENDPOINTS_MAX).map(toEndpoint);
      return { object: "list", data, ...withUnreadable(found.length - readable.length) };
    },
  );

  app.get<OfEndpoint>(
    "/v1/admin/queues/:queue/endpoints/:id/deliveries",
    { onRequest: checkAdmin, schema: { params: z.object({ queue, id: name }), querystring: deliveriesQuery } },
    async (request): Promise<ListAnswer<DeliveryAnswer>> => {
      const { limit = 50 } = deliveriesQuery.parse(request.query);
      const { queue: of, id } = request.params;
      const webhooks = open(scopeOf(request), of);
      const { url } = await webhooks.get(id);
      const data = (await webhooks.deliveries(id, { limit })).map((one) => toDelivery(one, id, url));
      return { object: "list", data };
    },
  );
}

function toEndpoint({ id, url, events, enabled, dropped, createdAtMs }: Endpoint): EndpointAnswer {
  const { host } = new URL(url);
  return { id, object: "webhook_endpoint", host, events, enabled, dropped, created_at_ms: createdAtMs };
}

/** Converts a delivery; only the host of its endpoint, because a webhook's path or query may contain a secret. */
export function toDelivery(
  { id, event, state, attempts, status, error, createdAtMs, lastAtMs }: Delivery,
  endpoint: string,
  url: string,
): DeliveryAnswer {
  const times = { created_at_ms: createdAtMs, last_at_ms: lastAtMs };
  return { id, event, endpoint, host: new URL(url).host, state, attempts, status, error, ...times };
}
