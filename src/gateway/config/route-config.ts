import { z } from "zod";
import { shown } from "./config-fields.ts";
import { modelId, WEIGHT_MAX } from "./upstream-config.ts";

const integer = (min: number, max: number) => z.int().min(min).max(max);

const target = z.preprocess(
  toTarget,
  z.strictObject({
    upstream: shown(z.string().min(1).max(64)),
    model: modelId.optional(),
    weight: integer(1, WEIGHT_MAX).optional(),
  }),
);

/** Reads a target that is written as `"upstream/model"` or `"upstream"`. */
function toTarget(input: unknown): unknown {
  if (typeof input !== "string") return input;
  const slash = input.indexOf("/");
  return slash === -1 ? { upstream: input } : { upstream: input.slice(0, slash), model: input.slice(slash + 1) };
}

/** Schema of `routes`: ids that clients request, and the groups of upstreams to call in order. */
export const routesSchema: z.ZodType<
  Readonly<Record<string, RouteConfig>>,
  Readonly<Record<string, RouteInput>> | undefined
> = z
  .record(
    z.string().min(1).max(256),
    z.strictObject({
      groups: z.array(z.array(target).min(1).max(100)).min(1).max(20),
      sticky: z.enum(["session", "none"]).default("session"),
      hedgeAfterMs: integer(1, 600_000).optional(),
    }),
  )
  .default({}) as unknown as z.ZodType<
  Readonly<Record<string, RouteConfig>>,
  Readonly<Record<string, RouteInput>> | undefined
>;

/** Schema of `routing`, with every default. */
export const routingSchema: z.ZodType<RoutingConfig, Partial<RoutingInput> | undefined> = z
  .strictObject({
    timeoutMs: integer(1, 3_600_000).default(600_000),
    attemptsMax: integer(1, 20).default(5),
    retryShare: z.number().min(0).max(1).default(0.25),
    retryReserve: integer(0, 10_000).default(10),
    backoffMs: integer(1, 60_000).default(250),
    backoffMaxMs: integer(1, 60_000).default(4_000),
    coolDown: z
      .strictObject({
        failures: integer(1, 1_000).default(5),
        errorRate: z.number().min(0.01).max(1).default(0.25),
        callsMin: integer(1, 10_000).default(20),
        firstMs: integer(10, 3_600_000).default(1_000),
        longestMs: integer(10, 3_600_000).default(60_000),
      })
      .prefault({}),
  })
  .prefault({});

/** An upstream of a route, and the model to request from it. */
export interface TargetConfig {
  readonly upstream: string;
  /** @default the route's own id */
  readonly model?: string | undefined;
  /** @default the upstream's, or 1 */
  readonly weight?: number | undefined;
}

/** An alias: groups of upstreams to call in order. */
export interface RouteConfig {
  readonly groups: readonly (readonly TargetConfig[])[];
  /** Whether a session's calls go to the same healthy upstream of a group, for the provider's prompt cache. */
  readonly sticky: "session" | "none";
  /** Silence after which a second upstream is called in parallel. @default never */
  readonly hedgeAfterMs?: number | undefined;
}

/** Rules for retries and cool-downs. */
export interface RoutingConfig {
  /** Longest time of a request with several upstreams until its first byte, if the client sets no deadline. */
  readonly timeoutMs: number;
  /** Most upstream calls per request. */
  readonly attemptsMax: number;
  /** Additional calls of a route within ten seconds, as a fraction of its requests. */
  readonly retryShare: number;
  /** Additional calls that a route may always make within ten seconds. */
  readonly retryReserve: number;
  /** Longest wait before an upstream is called again; doubles up to `backoffMaxMs`, and the actual wait is random. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly coolDown: {
    /** Failures in a row that bench an upstream's model. */
    readonly failures: number;
    /** Fraction of failures within ten seconds that benches it, from `callsMin` calls on. */
    readonly errorRate: number;
    readonly callsMin: number;
    /** First duration of a cool-down; doubles with each failed probe, up to `longestMs`. */
    readonly firstMs: number;
    readonly longestMs: number;
  };
}

/** Input of a route; a target may be `"upstream/model"` or `"upstream"`. */
export interface RouteInput {
  readonly groups: readonly (readonly (string | TargetConfig)[])[];
  readonly sticky?: RouteConfig["sticky"] | undefined;
  readonly hedgeAfterMs?: number | undefined;
}
/** Input of `routing`. */
export type RoutingInput = {
  readonly [Name in keyof Omit<RoutingConfig, "coolDown">]?: RoutingConfig[Name] | undefined;
} & {
  readonly coolDown?: { readonly [Name in keyof RoutingConfig["coolDown"]]?: number | undefined } | undefined;
};
