import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import { editDistance } from "../../internal/edit-distance.ts";

/** Longest part of a path that is compared with known ones and quoted. */
const PATH_CHARS_MAX = 120;

interface KnownRoute {
  readonly url: string;
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** A route as registered in Fastify. */
export interface Route {
  readonly method: string;
  /** Its pattern, such as `/v1/files/:id`. */
  readonly url: string;
}

const NOT_STORED =
  "Chat completions are not stored by this gateway, also with store: true. Use /v1/responses, which are.";

/** Routes of official clients that are not supported, and alternatives. */
const UNSERVED: readonly { readonly pattern: RegExp; readonly methods: ReadonlySet<string>; readonly why: string }[] = [
  { pattern: /^\/v1\/chat\/completions\/?$/, methods: new Set(["GET", "HEAD"]), why: NOT_STORED },
  {
    pattern: /^\/v1\/chat\/completions\/[^/]+(?:\/messages)?\/?$/,
    methods: new Set(["GET", "HEAD", "POST", "DELETE"]),
    why: NOT_STORED,
  },
];

/** The routes of an application, for helpful errors. */
export interface KnownRoutes {
  /** Returns all of them, without `HEAD`, which Fastify adds to each `GET`. */
  readonly list: () => readonly Route[];
  /** Explains a request without a route: 405 with the allowed methods, or 404 with the nearest path. Pure. */
  explain(method: string, path: string): { readonly error: MarrowError; readonly allow?: string | undefined };
}

/** Records every route that is registered afterwards. */
export function noteRoutes(app: FastifyInstance): KnownRoutes {
  const routes = new Map<string, KnownRoute>();
  // `GET /v1/responses/compact` is a wrong method of that path, and no response of the id "compact".
  app.addHook("onRequest", (request, reply, done) => {
    const named = routes.get(pathOf(request.url));
    // A route of its own comes first, so that only other methods can meet one with a parameter.
    const isShadowed = named?.methods.has(request.method) === false && request.routeOptions.url?.includes(":") === true;
    if (isShadowed) reply.callNotFound();
    else done();
  });
  app.addHook("onRoute", ({ url, method }) => {
    const known = routes.get(url) ?? { url, pattern: toPattern(url), methods: new Set<string>() };
    for (const one of Array.isArray(method) ? method : [method]) known.methods.add(one);
    routes.set(url, known);
  });
  return {
    list: () =>
      [...routes.values()].flatMap(({ url, methods }) =>
        [...methods].filter((method) => method !== "HEAD").map((method) => ({ method, url })),
      ),

    explain(method, path) {
      const unserved = UNSERVED.find(({ pattern, methods }) => methods.has(method) && pattern.test(path));
      if (unserved !== undefined) return { error: new MarrowError("not_found", unserved.why) };
      const shown = path.slice(0, PATH_CHARS_MAX);
      const methods = new Set<string>();
      const named = routes.get(path);
      for (const route of named === undefined ? routes.values() : [named])
        if (route.pattern.test(path)) for (const one of route.methods) methods.add(one);
      if (methods.size > 0) {
        const allow = [...methods].toSorted().join(", ");
        return {
          error: new MarrowError("method_not_allowed", `${method} is not allowed on ${shown}; allowed: ${allow}`),
          allow,
        };
      }
      const nearest = nearestOf(shown, routes.values());
      const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
      return { error: new MarrowError("not_found", `No route matches ${method} ${shown}.${hint}`) };
    },
  };
}

/** Returns the path of an address, without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}

function toPattern(url: string): RegExp {
  const parts = url.split("/").map((part) => {
    if (part === "*") return ".+";
    return part.startsWith(":") ? "[^/]+" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}

/** Returns the known path with the fewest changed letters, if they are less than a third. Parameters count by their names. */
function nearestOf(path: string, routes: Iterable<KnownRoute>): string | undefined {
  let best: { readonly url: string; readonly distance: number } | undefined;
  for (const { url } of routes) {
    if (url === "/" || url.includes("*") || Math.abs(url.length - path.length) > PATH_CHARS_MAX / 3) continue;
    const distance = editDistance(path.toLowerCase(), url.toLowerCase());
    if (best === undefined || distance < best.distance) best = { url, distance };
  }
  const most = Math.min(Math.max(4, path.length / 3), path.length - 1);
  return best !== undefined && best.distance <= most ? best.url : undefined;
}
