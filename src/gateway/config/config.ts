import { z } from "zod";
import { PRESETS } from "../../cache/index.ts";
import { MarrowError } from "../../errors.ts";
import type { OnUnpriced, Price } from "../../models/index.ts";
import { judgeSchema, type CacheJudgeConfig, type CacheJudgeInput } from "./cache-judge-config.ts";
import { toConfigError } from "./config-error.ts";
import { hostName, shown } from "./config-fields.ts";
import { embedderSchema, type EmbedderConfig } from "./embedder-config.ts";
import { checkRoutes } from "./route-check.ts";
import {
  routesSchema,
  routingSchema,
  type RouteConfig,
  type RouteInput,
  type RoutingConfig,
  type RoutingInput,
} from "./route-config.ts";
import { upstreamsSchema, type UpstreamConfig, type UpstreamInput } from "./upstream-config.ts";
import { planSchema, priceSchema, sharedPer, type Plan } from "../tenancy/plan.ts";

export { type EmbedderConfig } from "./embedder-config.ts";
export { planSchema, type Plan } from "../tenancy/plan.ts";
import { isLoopbackHost } from "../http/hosts.ts";

const integer = (min: number, max: number) => z.int().min(min).max(max);
const windowed = (limit: number) =>
  z
    .strictObject({
      limit: integer(0, 2 ** 40).default(limit),
      windowMs: integer(1_000, 31 * 86_400_000).default(60_000),
    })
    .prefault({});

/** Schema of the gateway's configuration (`marrow.config.ts`), with every default. Times are in milliseconds. */
export const configSchema: z.ZodType<GatewayConfig, GatewayConfigInput> = z.strictObject({
  host: shown(z.string().min(1)).default("127.0.0.1"),
  port: integer(0, 65_535).default(8080),
  app: shown(z.string().min(1).max(64)).default("marrow"),
  engine: z.enum(["auto", "vectorset", "search", "local"]).default("auto"),
  auth: z.enum(["keys", "off"]).default("keys"),
  cors: z
    .strictObject({
      origins: z
        .array(z.union([z.literal("*"), z.url({ protocol: /^https?$/ })]))
        .max(100)
        .default([]),
      maxAgeSeconds: integer(0, 86_400).default(600),
    })
    .prefault({}),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("warn"),
  accessLog: z.strictObject({ sample: z.number().min(0).max(1).default(1) }).prefault({}),
  bodyBytesMax: integer(1_024, 256 * 1_048_576).default(4 * 1_048_576),
  recordedBytesMax: integer(1_048_576, 64 * 2 ** 30).default(128 * 1_048_576),
  answersBytesMax: integer(1_048_576, 64 * 2 ** 30).default(64 * 1_048_576),
  formBytesMax: integer(1_024, 256 * 1_048_576).default(26 * 1_048_576),
  json: z
    .strictObject({ valuesMax: integer(100, 10_000_000).default(10_000), depthMax: integer(8, 1_000).default(100) })
    .prefault({}),
  eventLoop: z.strictObject({ stallMs: integer(10, 60_000).default(50) }).prefault({}),
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  allowedHosts: z.array(shown(hostName)).max(100).default([]),
  http: z
    .strictObject({
      requestTimeoutMs: integer(1_000, 300_000).default(120_000),
      headersTimeoutMs: integer(1_000, 120_000).default(20_000),
      keepAliveTimeoutMs: integer(1_000, 600_000).default(72_000),
      stalledTimeoutMs: integer(1_000, 600_000).default(60_000),
      connectionsMax: integer(1, 1_000_000).default(10_000),
      aliveMs: integer(100, 600_000).default(15_000),
    })
    .refine(({ requestTimeoutMs, headersTimeoutMs }) => headersTimeoutMs <= requestTimeoutMs, {
      path: ["headersTimeoutMs"],
      error: "must not be over requestTimeoutMs",
    })
    .prefault({}),
  upstreams: upstreamsSchema,
  routes: routesSchema,
  routing: routingSchema,
  demo: z
    .strictObject({ enabled: z.boolean().default(true), firstTokenMs: integer(0, 60_000).default(600) })
    .prefault({}),
  embedder: embedderSchema,
  cache: z
    .strictObject({
      enabled: z.boolean().default(true),
      semantic: z.boolean().default(true),
      preset: z.enum(PRESETS).default("strict"),
      minScore: z.number().min(0).max(1).optional(),
      verifier: z.object({ intercept: z.number(), weights: z.array(z.number()) }).optional(),
      ttlMs: integer(1, 366 * 86_400_000).default(86_400_000),
      timeBoundTtlMs: z.union([integer(1, 366 * 86_400_000), z.literal(false)]).default(600_000),
      refreshOnHit: z.enum(["none", "sliding"]).default("none"),
      entriesMax: integer(1, 2 ** 40).optional(),
      bytesMax: integer(1_024, 2 ** 50).optional(),
      profile: z.enum(["full", "compact"]).default("full"),
      judge: judgeSchema.optional(),
      per: sharedPer.default("scope"),
      personal: z.enum(["user", "scope"]).default("user"),
      tellSaved: z.boolean().default(false),
    })
    .prefault({}),
  vectorStores: z
    .strictObject({
      engine: z.enum(["vectorset", "search", "local"]).optional(),
      fileBytesMax: integer(1_024, 64 * 1_048_576).default(8 * 1_048_576),
      itemsMax: integer(1, 1_000_000).default(10_000),
      recall: z
        .strictObject({
          target: z.number().min(0.01).max(1).default(0.95),
          sampleEvery: integer(1, 1_000_000).default(1_000),
        })
        .prefault({}),
    })
    .prefault({}),
  onDisconnect: z.enum(["finish", "cancel"]).default("finish"),
  drainDelayMs: integer(0, 300_000).default(0),
  drainMs: integer(0, 3_600_000).default(20_000),
  sessions: z
    .strictObject({
      ttlMs: integer(1, 366 * 86_400_000).default(3_600_000),
      turns: integer(1, 1_000).default(40),
      fromMetadata: z.boolean().default(false),
    })
    .prefault({}),
  conversations: z
    .strictObject({
      ttlMs: integer(1, 366 * 86_400_000).default(30 * 86_400_000),
      itemsMax: integer(1, 100_000).default(10_000),
    })
    .prefault({}),
  memories: z
    .strictObject({
      factsMax: integer(1, 100_000).default(1_000),
      halfLifeMs: integer(1, 366 * 86_400_000).default(30 * 86_400_000),
    })
    .prefault({}),
  responses: z
    .strictObject({
      ttlMs: integer(60_000, 366 * 86_400_000).default(30 * 86_400_000),
      streamTtlMs: integer(60_000, 366 * 86_400_000).default(3_600_000),
    })
    .prefault({}),
  background: z
    .strictObject({
      enabled: z.boolean().default(true),
      concurrency: integer(1, 1_000).default(64),
      tenantMax: integer(0, 1_000_000).default(0),
    })
    .prefault({}),
  webhooks: z
    .strictObject({
      allowNetworks: z
        .array(shown(z.string().min(1)))
        .max(100)
        .default([]),
      allowHttp: z.boolean().default(false),
    })
    .prefault({}),
  limits: z
    .strictObject({
      enabled: z.boolean().default(true),
      onUnavailable: z.enum(["allow", "refuse"]).default("allow"),
      userRequests: windowed(3_000),
      userTokens: windowed(2_000_000),
      appRequests: windowed(30_000),
      keyUsers: windowed(100),
      userReads: windowed(2_000),
      userWrites: windowed(200),
      appReads: windowed(20_000),
      appWrites: windowed(2_000),
      scopeBytes: integer(1_024, 2 ** 50).default(128 * 1_048_576),
      timeZone: shown(z.string().min(1)).default("UTC"),
    })
    .prefault({}),
  plans: z.record(z.string().min(1).max(128), planSchema).default({}),
  defaultPlan: shown(z.string().min(1).max(128)).optional(),
  prices: z.record(z.string().min(1).max(256), priceSchema).default({}),
  pricesFile: shown(z.string().min(1)).optional(),
  onUnpriced: z.enum(["allow", "dearest", "refuse"]).default("allow"),
  spend: z
    .strictObject({
      rowsMax: integer(1, 100_000).default(1_000),
      daysKept: integer(1, 400).default(90),
    })
    .prefault({}),
  dashboard: z
    .strictObject({
      enabled: z.boolean().default(true),
      content: z.enum(["hidden", "visible"]).default("hidden"),
      sessionMs: integer(60_000, 7 * 86_400_000).default(12 * 3_600_000),
      traces: z.enum(["off", "watched", "always"]).default("watched"),
      tracesPerSecond: integer(1, 100).default(5),
    })
    .prefault({}),
  spendLabels: z.array(z.enum(["scope", "key", "user", "model"])).default(["model"]),
});

/** The configuration with every default filled in. */
export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  /** Vector engine of all roles. Recorded in Redis at the first start; a later start with another one is refused. */
  readonly engine: "auto" | "vectorset" | "search" | "local";
  readonly auth: "keys" | "off";
  /** Origins whose pages may call the gateway from a browser; `*` for all. @default none */
  readonly cors: { readonly origins: readonly string[]; readonly maxAgeSeconds: number };
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "silent";
  /** Fraction of successful requests that are logged at `info`, 0 to 1. Failed ones are always logged. */
  readonly accessLog: { readonly sample: number };
  /** Largest JSON body, in bytes. Uploaded files are bounded by `vectorStores.fileBytesMax` instead. */
  readonly bodyBytesMax: number;
  /**
   * Largest estimated size of all streams that this process records for cache and sessions, in bytes. Beyond it the largest stream is no
   * longer recorded.
   */
  readonly recordedBytesMax: number;
  /**
   * Bytes of all long whole answers (over 1 MiB) of models that this process reads and sends at once; one scope takes at most half. Others
   * wait, unread, for up to 30 s.
   */
  readonly answersBytesMax: number;
  /** Largest form that is forwarded, in bytes: a recording of 25 MiB fits. */
  readonly formBytesMax: number;
  /** Bounds of a JSON body: total fields and items, and depth. */
  readonly json: { readonly valuesMax: number; readonly depthMax: number };
  /** Delay of the event loop from which a stall is counted and logged. */
  readonly eventLoop: { readonly stallMs: number };
  /** URL at which clients reach this gateway, for URLs in responses (agent cards). @default `http://host:port` */
  readonly publicUrl?: string | undefined;
  /** Hosts besides loopback that requests to `/mcp` may name, and all requests if `auth` is off. */
  readonly allowedHosts: readonly string[];
  /** Bounds of connections. */
  readonly http: {
    /** Longest time for a client to send a whole request. */
    readonly requestTimeoutMs: number;
    /** Longest time to send its headers. At most `requestTimeoutMs`. */
    readonly headersTimeoutMs: number;
    /** Longest idle time of a connection between requests. */
    readonly keepAliveTimeoutMs: number;
    /** Longest time for which a client may read nothing of a waiting response. */
    readonly stalledTimeoutMs: number;
    /** Most connections; further ones are closed at once. */
    readonly connectionsMax: number;
    /** Silence of a stream after which a comment line is sent to keep it alive. */
    readonly aliveMs: number;
  };
  /** Endpoints that serve models. */
  readonly upstreams: readonly UpstreamConfig[];
  /** Aliases, by the id that clients request. */
  readonly routes: Readonly<Record<string, RouteConfig>>;
  readonly routing: RoutingConfig;
  readonly embedder: EmbedderConfig;
  readonly demo: { readonly enabled: boolean; readonly firstTokenMs: number };
  readonly cache: {
    readonly enabled: boolean;
    readonly semantic: boolean;
    readonly preset: "strict" | "balanced" | "aggressive";
    readonly minScore?: number | undefined;
    readonly verifier?: { readonly intercept: number; readonly weights: readonly number[] } | undefined;
    readonly ttlMs: number;
    /** TTL of answers to questions that are bound to time; `false`: that of all others. */
    readonly timeBoundTtlMs: number | false;
    readonly refreshOnHit: "none" | "sliding";
    /** Bounds of each tenant's cache. */
    readonly entriesMax?: number | undefined;
    readonly bytesMax?: number | undefined;
    readonly profile: "full" | "compact";
    /** Judge of near misses: a model's id, or an object with more options. @default none */
    readonly judge?: CacheJudgeConfig | undefined;
    /** Group that shares answers. */
    readonly per: "scope" | "user" | "key";
    /** The same for prompts whose answer may depend on the user. */
    readonly personal: "user" | "scope";
    /** Whether stored answers have the header `x-marrow-saved`. */
    readonly tellSaved: boolean;
  };
  readonly vectorStores: {
    /** Overrides the installation's engine. */
    readonly engine?: "vectorset" | "search" | "local" | undefined;
    readonly fileBytesMax: number;
    readonly itemsMax: number;
    readonly recall: { readonly target: number; readonly sampleEvery: number };
  };
  /** `fromMetadata`: whether `metadata.session_id` names a session, like the header `x-marrow-session`. */
  /** What happens to an answer after its client disconnected, as in `marrow/flow`. */
  readonly onDisconnect: "finish" | "cancel";
  /** Time that a stopping process keeps serving while `/readyz` returns 503, so that load balancers notice. */
  readonly drainDelayMs: number;
  /** Time that requests and jobs then have to end, before they are cut off or returned to the queue. */
  readonly drainMs: number;
  readonly sessions: { readonly ttlMs: number; readonly turns: number; readonly fromMetadata: boolean };
  readonly conversations: { readonly ttlMs: number; readonly itemsMax: number };
  readonly memories: { readonly factsMax: number; readonly halfLifeMs: number };
  /** TTL of responses, and of the events of background responses. */
  readonly responses: { readonly ttlMs: number; readonly streamTtlMs: number };
  /** Background work of this process: concurrent jobs, and most jobs of one tenant over all processes (0: no bound). */
  readonly background: { readonly enabled: boolean; readonly concurrency: number; readonly tenantMax: number };
  /** Addresses that webhooks may go to besides public ones over https. */
  readonly webhooks: { readonly allowNetworks: readonly string[]; readonly allowHttp: boolean };
  readonly limits: {
    readonly enabled: boolean;
    readonly onUnavailable: "allow" | "refuse";
    readonly userRequests: LimitConfig;
    readonly userTokens: LimitConfig;
    readonly appRequests: LimitConfig;
    /** Users that a key names for the first time in a day. */
    readonly keyUsers: LimitConfig;
    /** Requests of all routes except chat, which has its own limits: reads, and writes. */
    readonly userReads: LimitConfig;
    readonly userWrites: LimitConfig;
    readonly appReads: LimitConfig;
    readonly appWrites: LimitConfig;
    /** Stored bytes of a scope: files, vector stores, conversations, memories, tasks, batches, responses, cached embeddings. */
    readonly scopeBytes: number;
    /** Time zone of the plans' days and months. */
    readonly timeZone: string;
  };
  /** Plans of keys and users by name. */
  readonly plans: Readonly<Record<string, Plan>>;
  /** Plan of users without one. */
  readonly defaultPlan?: string | undefined;
  /** Prices per million tokens, which override the table. */
  readonly prices: Readonly<Record<string, Price>>;
  /** Path of the price table, as written by `marrow prices update`. @default `assets/prices.json` */
  readonly pricesFile?: string | undefined;
  /** Treatment of models without a price: free, as expensive as the dearest of the table, or refused. */
  readonly onUnpriced: OnUnpriced;
  /**
   * Stored spending: most rows (key, user, model) per scope and day, beyond which users are summed as `(other)`; and the days that they are
   * kept.
   */
  readonly spend: { readonly rowsMax: number; readonly daysKept: number };
  /** The page at `/dashboard`: whether it is served, whether it may show prompts and answers, and how long a sign-in lasts. */
  readonly dashboard: {
    readonly enabled: boolean;
    readonly content: "hidden" | "visible";
    readonly sessionMs: number;
    /** When requests are recorded with their stages. `watched`: while the dashboard shows them. */
    readonly traces: "off" | "watched" | "always";
    /** Most requests that a gateway records per second. */
    readonly tracesPerSecond: number;
  };
  /** Labels of the spending metric. Users are optional, because each makes its own series. */
  readonly spendLabels: readonly ("scope" | "key" | "user" | "model")[];
}

interface LimitConfig {
  readonly limit: number;
  readonly windowMs: number;
}

/** A type with every field optional, also inside. */
type Partly<T> = T extends readonly (infer Item)[]
  ? readonly Partly<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]?: Partly<T[Name]> | undefined }
    : T;

/** Input of a configuration: any part of it; an embedder only whole. */
export type GatewayConfigInput = Partly<
  Omit<GatewayConfig, "embedder" | "prices" | "plans" | "cache" | "upstreams" | "routes" | "routing">
> & {
  readonly upstreams?: readonly UpstreamInput[] | undefined;
  readonly routes?: Readonly<Record<string, RouteInput>> | undefined;
  readonly routing?: RoutingInput | undefined;
  readonly cache?:
    | (Partly<Omit<GatewayConfig["cache"], "judge">> & {
        readonly judge?: CacheJudgeInput | undefined;
      })
    | undefined;
  readonly embedder?: EmbedderConfig | undefined;
  readonly prices?: Readonly<Record<string, Price>> | undefined;
  readonly plans?: Readonly<Record<string, Plan>> | undefined;
};

/** Types a `marrow.config.ts` for editors; returns its argument. */
export function defineConfig(config: GatewayConfigInput): GatewayConfigInput {
  return config;
}

/**
 * Checks a configuration and fills its defaults.
 * @throws MarrowError `invalid_option` that names the field, and the nearest known name for an unknown one
 */
export function resolveConfig(input: unknown): GatewayConfig {
  const parsed = configSchema.safeParse(input ?? {});
  if (!parsed.success) throw toConfigError(configSchema, parsed.error, input);
  const config = parsed.data;
  if (config.auth === "off" && !isLoopbackHost(config.host)) {
    throw new MarrowError("invalid_option", `auth may be "off" only on a loopback host, and host is ${config.host}`, {
      details: { path: "auth" },
    });
  }
  checkRoutes(config);
  return config;
}
