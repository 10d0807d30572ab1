import type { ChatModel, ModelInfo } from "../model.ts";
import { createListing } from "./listing.ts";
import { LOCAL_COOL_DOWNS, type CoolDowns } from "./cool-downs.ts";
import { bench, heal, standingOf } from "./health.ts";
import { routedModel, type Asked, type Route, type RouteRules } from "./routed-model.ts";
import { createTargets, type RoutedUpstream, type Target, type UpstreamState } from "./target.ts";

/** A configured alias. */
export interface RouteOptions {
  /** Upstreams by name, in the order of groups. */
  readonly groups: readonly (readonly {
    readonly upstream: string;
    /** @default the route's id */
    readonly model?: string | undefined;
    /** @default the upstream's, or 1 */
    readonly weight?: number | undefined;
  }[])[];
  readonly sticky: "session" | "none";
  readonly hedgeAfterMs?: number | undefined;
}

/** Options of a router. */
export interface RouterOptions {
  readonly upstreams: readonly RoutedUpstream[];
  readonly routes: Readonly<Record<string, RouteOptions>>;
  readonly rules: RouteRules;
  /** Shares cool-downs between gateways. @default this process alone */
  readonly coolDowns?: CoolDowns | undefined;
  readonly onAsked?: ((asked: Asked) => void) | undefined;
  /** Called when a target is benched, or healthy again. */
  readonly onHealth?: ((upstream: string, model: string, well: boolean) => void) | undefined;
  readonly random?: (() => number) | undefined;
}

/** Health of one upstream's model in this process. */
export interface Standing {
  readonly upstream: string;
  readonly model: string;
  readonly standing: "well" | "cooling" | "due";
  /** Remaining cool-down. */
  readonly remainingMs: number;
  readonly inFlight: number;
}

/** All models of a gateway. */
export interface Router {
  /** Returns the model that serves an id: an alias, one upstream, or several with the same model. */
  find(id: string): ChatModel | undefined;
  /** Lists all available models, within {@link LIST_WAIT_MS}. */
  list(): Promise<readonly ModelInfo[]>;
  /** Returns the health of the upstreams in routes. */
  standings(): readonly Standing[];
  /** Ends the subscription to other gateways. */
  close(): void;
}

/**
 * Makes a router. A model with a single upstream is called directly. Upstreams with the same model replace one another: in order, or by
 * weight if consecutive ones in the configuration have weights. An upstream that serves every id never replaces another, because nothing
 * shows that it has the model or may receive the prompt.
 */
export function createRouter({
  upstreams: configured,
  routes,
  rules,
  coolDowns = LOCAL_COOL_DOWNS,
  onAsked = () => {},
  onHealth = () => {},
  random = Math.random,
}: RouterOptions): Router {
  const upstreams = configured.map((one): UpstreamState => ({ ...one, inFlight: 0 }));
  const byName = new Map(upstreams.map((one) => [one.name, one]));
  const targetOf = createTargets();
  const targets = new Map<string, Target>();
  const tell = ({ upstream, model, health }: Target) => onHealth(upstream.name, model, health.untilMs === 0);
  const parts = { rules, coolDowns, onAsked, onHealth: tell, random };
  const known = new Map<string, ChatModel>();
  const listing = createListing(upstreams);

  function toTarget(upstream: UpstreamState, model: string, weight = upstream.weight ?? 1): Target {
    const target = targetOf(upstream, model, weight);
    if (!targets.has(target.id)) targets.set(target.id, target);
    return target;
  }

  for (const [id, { groups, sticky, hedgeAfterMs }] of Object.entries(routes)) {
    const route: Route = {
      id,
      sticky: sticky === "session",
      hedgeAfterMs,
      groups: groups.map((group) =>
        group.flatMap(({ upstream: name, model = id, weight }) => {
          const upstream = byName.get(name);
          return upstream === undefined ? [] : [toTarget(upstream, model, weight)];
        }),
      ),
    };
    known.set(id, toModel(route));
  }

  const close = coolDowns.subscribe((remaining, sinceMs) => {
    const nowMs = performance.now();
    for (const target of targets.values()) {
      const { health } = target;
      const forMs = remaining.get(target.id);
      // Cool-downs that began here after the read may be missing in it.
      if (health.benchedMs > sinceMs) continue;
      const before = standingOf(health, nowMs);
      if (forMs === undefined && health.untilMs > 0) heal(health);
      else if (forMs !== undefined && (health.untilMs === 0 || nowMs + forMs > health.untilMs + 50))
        bench(health, forMs, nowMs);
      if (standingOf(health, nowMs) !== before) tell(target);
    }
  });

  /** Makes the model of upstreams with the same model: by weight if consecutive ones have weights, else in order. */
  function standIns(id: string, serving: readonly UpstreamState[]): ChatModel {
    const groups: Target[][] = [];
    for (const [at, upstream] of serving.entries()) {
      const joins = upstream.weight !== undefined && serving[at - 1]?.weight !== undefined;
      if (joins) groups.at(-1)?.push(toTarget(upstream, id));
      else groups.push([toTarget(upstream, id)]);
    }
    return toModel({ id, groups, sticky: true });
  }

  function toModel(route: Route): ChatModel {
    const takesPieces = route.groups.flat().every(({ upstream }) => upstream.model.takesPieces === true);
    return { ...routedModel(route, parts), takesPieces };
  }

  return {
    close,
    find(id) {
      const route = known.get(id);
      if (route !== undefined) return route;
      const at = upstreams.findIndex(({ model }) => model.serves(id));
      const found = upstreams[at];
      if (found === undefined) return undefined;
      const others = upstreams.slice(at + 1).filter(({ ids, model }) => ids !== undefined && model.serves(id));
      if (others.length === 0) return found.model;
      const made = standIns(id, [found, ...others]);
      known.set(id, made);
      return made;
    },

    async list() {
      const aliases = Object.keys(routes).map((id) => ({ id, owned_by: "marrow", created: 0 }));
      const ids = new Set(aliases.map(({ id }) => id));
      const models = (await listing()).filter(({ id }) => !ids.has(id) && ids.add(id) !== undefined);
      return [...aliases, ...models];
    },

    standings() {
      const nowMs = performance.now();
      return [...targets.values()].map(({ upstream, model, health }) => ({
        upstream: upstream.name,
        model,
        standing: standingOf(health, nowMs),
        remainingMs: Math.max(0, Math.ceil(health.untilMs - nowMs)),
        inFlight: upstream.inFlight,
      }));
    },
  };
}
