import { MarrowError } from "../../errors.ts";
import {
  createRouter,
  type Asked,
  type ChatModel,
  type CoolDowns,
  type ModelInfo,
  type RoutedUpstream,
  type Router,
  type Standing,
} from "../../models/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { LaneGates } from "../tenancy/lanes.ts";
import { openUpstream, type Upstream } from "./upstreams.ts";

/** Callbacks for the metrics of a gateway's models. */
export interface ModelListeners {
  /** Called when one of several upstreams was called. */
  readonly onAsked: (asked: Asked) => void;
  /** Called when one was benched, or is healthy again. */
  readonly onHealth: (upstream: string, model: string, well: boolean) => void;
}

/** Source of a gateway's models, which may change. */
export interface ModelSource {
  find(id: string): ChatModel | undefined;
  list(): Promise<readonly ModelInfo[]>;
  /** Returns the health of the upstreams in routes. */
  readonly standings: () => readonly Standing[];
  listen(listeners: ModelListeners): void;
}

/** The part of a configuration that defines models. */
export type ModelsConfig = Pick<GatewayConfig, "upstreams" | "routes" | "routing">;

/** Models that can be replaced during requests. */
export interface LiveModels extends ModelSource {
  /**
   * Applies other upstreams and routes. Running requests end with the old ones.
   * @throws MarrowError `invalid_option`; the current ones stay
   */
  replace(config: ModelsConfig): void;
  /** Closes the connections once running calls have ended. */
  close(): Promise<void>;
}

/** Opens the models of a configuration; `own` ones, which need no endpoint, come first. */
export function openModels(
  config: ModelsConfig,
  {
    own,
    laneOf,
    coolDowns,
  }: { readonly own: readonly ChatModel[]; readonly laneOf: LaneGates; readonly coolDowns: CoolDowns },
): LiveModels {
  const listeners: ModelListeners[] = [];
  let current = open(config);
  const retired = new Set<typeof current>();

  function open({ upstreams: configured, routes, routing: { coolDown, ...routing } }: ModelsConfig) {
    const opened: Upstream[] = [];
    try {
      for (const one of configured) opened.push(openUpstream(one, laneOf));
    } catch (error) {
      for (const one of opened) void one.close();
      throw error;
    }
    const upstreams = configured.map((one, at): RoutedUpstream => {
      const { name, baseUrl, models, weight, concurrency } = one;
      const ids = models === undefined || Array.isArray(models) ? models : Object.keys(models);
      const { host, pathname } = new URL(baseUrl);
      const key = `${name} ${host}${pathname}`;
      return {
        model: opened[at] as Upstream,
        name,
        key,
        weight,
        concurrency,
        ids: ids as readonly string[] | undefined,
      };
    });
    const router: Router = createRouter({
      upstreams: [...own.map((model) => ({ model, name: model.name ?? "own" })), ...upstreams],
      routes,
      rules: { ...routing, coolDown },
      coolDowns,
      onAsked: (asked) => listeners.forEach((one) => one.onAsked(asked)),
      onHealth: (...health) => listeners.forEach((one) => one.onHealth(...health)),
    });
    return { router, opened };
  }

  return {
    find: (id) => current.router.find(id),
    list: () => current.router.list(),
    standings: () => current.router.standings(),
    listen: (one) => void listeners.push(one),
    replace(next) {
      const before = current;
      current = open(next);
      before.router.close();
      retired.add(before);
      // Running requests may still call the old upstreams.
      setTimeout(() => {
        retired.delete(before);
        void closeAll([before]);
      }, RETIRED_MS).unref();
    },
    async close() {
      current.router.close();
      await closeAll([current, ...retired]);
    },
  };
}

/** Builds the error for a model that no upstream of the configuration serves. */
export function noModel(): MarrowError {
  return new MarrowError("not_found", "no upstream or route of the configuration serves this model", {
    details: { path: "model" },
  });
}

/** Time that replaced upstreams stay open for requests that began with them. */
const RETIRED_MS = 600_000;

function closeAll(opened: Iterable<{ readonly opened: readonly Upstream[] }>): Promise<unknown> {
  return Promise.allSettled([...opened].flatMap((one) => one.opened.map((upstream) => upstream.close())));
}
