import { z } from "zod";
import { UPSTREAM_KINDS, type UpstreamKind } from "../../models/index.ts";
import { shown } from "./config-fields.ts";

const integer = (min: number, max: number) => z.int().min(min).max(max);
/** Largest weight of an upstream or a target. */
export const WEIGHT_MAX = 1_000;

/** Calls of one upstream at the same time; no user alone holds more than 439 of them. */
const CONCURRENCY_DEFAULT = 1_024;

/** Names stand in headers, in metrics, and before the slash of a target. */
const upstreamName = shown(
  z
    .string()
    .max(64)
    .regex(/^[\w][\w.-]*$/, "must be letters, digits, '.', '_' and '-'"),
);
/** Schema of a model's id. */
export const modelId: z.ZodString = shown(z.string().min(1).max(256));
/** Headers that HTTP itself sets. */
const OWN_HEADERS = /^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect)$/i;
const headers = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, "must be a header's name")
      .refine((name) => !OWN_HEADERS.test(name), "must not be a header that HTTP itself sets"),
    z
      .string()
      .max(8_192)
      .regex(/^[\t\x20-\x7e\x80-\xff]*$/, "must be a header's value, in one line"),
  )
  .refine((given) => Object.keys(given).length <= 64, "must be at most 64 headers");

const upstream = z
  .strictObject({
    name: upstreamName,
    kind: z.enum(UPSTREAM_KINDS).default("chat"),
    baseUrl: z.url({ protocol: /^https?$/ }),
    apiKey: z.string().min(1).optional(),
    apiKeyFile: shown(z.string().min(1)).optional(),
    headers: headers.default({}),
    models: z.union([z.array(modelId).min(1).max(10_000), z.record(z.string().min(1).max(256), modelId)]).optional(),
    weight: integer(1, WEIGHT_MAX).optional(),
    concurrency: integer(1, 100_000).default(CONCURRENCY_DEFAULT),
    scopeShare: z.number().min(0.01).max(1).default(0.5),
    connectTimeoutMs: integer(1, 600_000).default(10_000),
    firstByteTimeoutMs: integer(1, 3_600_000).default(300_000),
    idleTimeoutMs: integer(1, 3_600_000).default(60_000),
    outputLimit: z.enum(["auto", "max_tokens", "max_completion_tokens"]).default("auto"),
  })
  .refine(({ apiKey, apiKeyFile }) => apiKey === undefined || apiKeyFile === undefined, {
    path: ["apiKeyFile"],
    error: "must not be set together with apiKey",
  });

/** Schema of `upstreams`, with every default. */
export const upstreamsSchema: z.ZodType<readonly UpstreamConfig[], readonly UpstreamInput[] | undefined> = z.preprocess(
  withNames,
  z
    .array(upstream)
    .max(1_000)
    .superRefine((upstreams, context) => {
      for (const [at, { name }] of upstreams.entries())
        if (upstreams.findIndex((other) => other.name === name) < at) {
          const message = `must be another name than ${name}, which an upstream before it has`;
          context.addIssue({ code: "custom", path: [at, "name"], message });
        }
    }),
) as unknown as z.ZodType<readonly UpstreamConfig[], readonly UpstreamInput[] | undefined>;

/** Gives upstreams without a name that of their place. */
function withNames(input: unknown): unknown {
  if (input === undefined) return [];
  if (!Array.isArray(input)) return input;
  return input.map((one: unknown, at) =>
    typeof one === "object" && one !== null && (one as { readonly name?: unknown }).name === undefined
      ? { ...one, name: `upstream-${at + 1}` }
      : one,
  );
}

/** An endpoint that serves models. */
export interface UpstreamConfig {
  /** Name in `x-marrow-upstream`, metrics and routes. @default `upstream-<place>` */
  readonly name: string;
  /** API of the upstream. */
  readonly kind: UpstreamKind;
  /** Base URL; a query (`?api-version=…`) is sent with every request. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Path of a file with the key. */
  readonly apiKeyFile?: string | undefined;
  /** Additional headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Served models: ids, or ids with the endpoint's own names. @default every id */
  readonly models?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** Weight among upstreams with the same model. @default they are called in order */
  readonly weight?: number | undefined;
  /** Most concurrent calls of this process. */
  readonly concurrency: number;
  /** Largest fraction of the concurrency that one scope uses while no other does; with 1, scopes only take turns. */
  readonly scopeShare: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Field name of the answer's bound; `auto` switches after a refusal that names the field. */
  readonly outputLimit: "auto" | "max_tokens" | "max_completion_tokens";
}

/** Input of an upstream. */
export type UpstreamInput = { readonly baseUrl: string } & {
  readonly [Name in keyof UpstreamConfig]?: UpstreamConfig[Name] | undefined;
};
