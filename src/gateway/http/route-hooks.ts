import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";

type Hooks = Pick<RouteOptions, "onRequest" | "preHandler" | "onResponse"> & {
  /** Runs a route's handler, which `work` calls. Unlike hooks after an answer, it ends when the work ends, also if the client left. */
  readonly around?: (request: FastifyRequest, reply: FastifyReply, work: () => Promise<unknown>) => Promise<unknown>;
};

const KINDS = ["onRequest", "preHandler", "onResponse"] as const;

/**
 * Adds hooks only to the routes that need them, among those registered afterwards, so that other requests are not delayed. They run after
 * the application's hooks of the same kind. `hooksOf` returns the hooks of a route; a `HEAD`, which Fastify adds to each `GET`, counts as
 * that `GET`.
 */
export function hookRoutes(app: FastifyInstance, hooksOf: (method: string, url: string) => Hooks | undefined): void {
  app.addHook("onRoute", (route) => {
    const methods = Array.isArray(route.method) ? route.method : [route.method];
    for (const method of methods) {
      const hooks = hooksOf(method === "HEAD" ? "GET" : method, route.url);
      if (hooks !== undefined) addHooks(route, hooks);
    }
  });
}

function addHooks(route: RouteOptions, { around, ...hooks }: Hooks): void {
  if (around !== undefined) {
    const { handler } = route;
    route.handler = function (request, reply) {
      return around(request, reply, async () => handler.call(this, request, reply));
    };
  }
  for (const kind of KINDS) {
    const added = hooks[kind];
    if (added !== undefined) (route as unknown as Record<string, unknown>)[kind] = [route[kind] ?? [], added].flat();
  }
}
