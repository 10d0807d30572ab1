import type { ChatModel } from "../model.ts";
import { newHealth, type Health } from "./health.ts";

/** An upstream that the router chooses among. */
export interface RoutedUpstream {
  readonly model: ChatModel;
  /** Told in `x-marrow-upstream`, and named by routes. */
  readonly name: string;
  /** What the cool-downs of all gateways know it by, where that is not the name: two gateways may have given one name to two endpoints. @default the name */
  readonly key?: string | undefined;
  /** Its part among upstreams that serve the same model. Absent: they are asked in order. */
  readonly weight?: number | undefined;
  /** Calls of this process at the same time; beyond, others are asked first. */
  readonly concurrency?: number | undefined;
  /** The ids that it serves. Absent: every id; such a one stands in for no other. */
  readonly ids?: readonly string[] | undefined;
}

/** One upstream for one of its models, with what this process knows of it. */
export interface Target {
  readonly id: string;
  readonly upstream: UpstreamState;
  readonly model: string;
  readonly weight: number;
  readonly health: Health;
}

/** An upstream, and the calls of this process that are on their way to it. */
export interface UpstreamState extends RoutedUpstream {
  inFlight: number;
}

/** Makes the targets of all routes: one for an upstream and model, so that its health is known to each route that has it. */
export function createTargets(): (upstream: UpstreamState, model: string, weight: number) => Target {
  const known = new Map<string, Health>();
  return (upstream, model, weight) => {
    const id = `${upstream.key ?? upstream.name}\n${model}`;
    const health = known.get(id) ?? newHealth();
    known.set(id, health);
    return { id, upstream, model, weight, health };
  };
}
