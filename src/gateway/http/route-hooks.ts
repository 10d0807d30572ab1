import type { FastifyInstance, RouteOptions } from "fastify";

type Hooks = Pick<RouteOptions, "onRequest" | "preHandler" | "preSerialization" | "onResponse">;

const KINDS = ["onRequest", "preHandler", "preSerialization", "onResponse"] as const;

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

function addHooks(route: Hooks, hooks: Hooks): void {
  for (const kind of KINDS) {
    const added = hooks[kind];
    if (added !== undefined) (route as Record<string, unknown>)[kind] = [route[kind] ?? [], added].flat();
  }
}
