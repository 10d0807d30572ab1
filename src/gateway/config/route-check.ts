import { MarrowError } from "../../errors.ts";
import { nearestName } from "../../internal/nearest-name.ts";
import type { RouteConfig } from "./route-config.ts";
import type { UpstreamConfig } from "./upstream-config.ts";

/**
 * Checks that the upstreams that routes name exist and serve the requested model.
 * @throws MarrowError `invalid_option` that names the target
 */
export function checkRoutes({
  upstreams,
  routes,
}: {
  readonly upstreams: readonly UpstreamConfig[];
  readonly routes: Readonly<Record<string, RouteConfig>>;
}): void {
  for (const [id, { groups }] of Object.entries(routes))
    for (const [at, group] of groups.entries())
      for (const [place, { upstream: name, model = id }] of group.entries()) {
        const path = `routes.${id}.groups.${at}.${place}`;
        const upstream = upstreams.find((one) => one.name === name);
        if (upstream === undefined) {
          const names = upstreams.map((one) => one.name);
          const nearest = nearestName(name, names);
          throw wrong(path, `there is no upstream ${name}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`);
        }
        if (!servesModel(upstream, model))
          throw wrong(
            path,
            `the upstream ${name} does not serve ${model}: its models name it, or the target another one`,
          );
      }
}

/** Whether an upstream's configuration names a model, or leaves all to it. */
function servesModel({ models }: Pick<UpstreamConfig, "models">, id: string): boolean {
  if (models === undefined) return true;
  return Array.isArray(models) ? models.includes(id) : Object.hasOwn(models, id);
}

function wrong(path: string, why: string): MarrowError {
  return new MarrowError("invalid_option", `configuration field ${path}: ${why}`, { details: { path } });
}
