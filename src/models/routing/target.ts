import type { ChatModel } from "../model.ts";
import { newHealth, type Health } from "./health.ts";

/** An upstream of a router. */
export interface RoutedUpstream {
  readonly model: ChatModel;
  /** Name in `x-marrow-upstream` and in routes. */
  readonly name: string;
  /** Key of its cool-downs among all gateways, if two gateways may use one name for different endpoints. @default the name */
  readonly key?: string | undefined;
  /** Weight among upstreams with the same model. @default they are called in order */
  readonly weight?: number | undefined;
  /** Most concurrent calls of this process; beyond that, others are preferred. */
  readonly concurrency?: number | undefined;
  /** Served ids. @default every id; such an upstream replaces no other */
  readonly ids?: readonly string[] | undefined;
}

/** One upstream with one of its models, and its state in this process. */
export interface Target {
  readonly id: string;
  readonly upstream: UpstreamState;
  readonly model: string;
  readonly weight: number;
  readonly health: Health;
}

/** An upstream, and this process's running calls to it. */
export interface UpstreamState extends RoutedUpstream {
  inFlight: number;
}

/** Makes the targets of all routes, one for each upstream and model, so that all routes share its health. */
export function createTargets(): (upstream: UpstreamState, model: string, weight: number) => Target {
  const known = new Map<string, Health>();
  return (upstream, model, weight) => {
    const id = `${upstream.key ?? upstream.name}\n${model}`;
    const health = known.get(id) ?? newHealth();
    known.set(id, health);
    return { id, upstream, model, weight, health };
  };
}
