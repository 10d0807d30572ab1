import { MarrowError } from "../errors.ts";
import { checkOneOf, checkText } from "../internal/check.ts";
import { signalling } from "../internal/signals.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createCache } from "./cache.ts";
import { checkTtl } from "./options.ts";

/** Cache policy of one tool. */
export interface ToolPolicy {
  /** TTL of a result, in milliseconds, 1 to 366 days. */
  readonly ttlMs: number;
  /** `scope`: one result for the whole tenant; `user`: one per user, who must then be passed. */
  readonly sharedBy: "scope" | "user";
  /** Arguments that do not affect the result, such as a request id. @default none */
  readonly ignore?: readonly string[] | undefined;
}

/** Options of `createToolCache`. */
export interface ToolCacheOptions {
  /** Name of this cache within its scope. */
  readonly name: string;
  /** Tools whose results may be cached, by name. Other tools are always called, because they may have side effects. */
  readonly tools: Readonly<Record<string, ToolPolicy>>;
  /** Longest wait for one reply of Redis, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
}

/** Cached results of tools. */
export interface ToolCache {
  /**
   * Calls a tool, or returns the cached result of the same call. Arguments are compared exactly, regardless of the order of their fields.
   * Concurrent misses of one call share one run. Errors are never cached; if Redis is unavailable, the tool is called. One round trip for a
   * hit.
   * @throws MarrowError `invalid_input` for a user's tool without a user; errors of `run`
   */
  call<T>(
    tool: string,
    args: unknown,
    run: () => Promise<T>,
    options?: { readonly user?: string | undefined; readonly tags?: readonly string[] | undefined },
  ): Promise<{ readonly value: T; readonly kept: boolean }>;
  /** Invalidates all results with one of the tags; each result has the tag `tool:<name>`. */
  invalidate(tags: readonly string[]): Promise<void>;
}

/** Makes the tool cache of one scope. Exact only, because a similar call is another call. @throws MarrowError `invalid_option` */
export function createToolCache(redis: ScopedRedis, { name, tools, timeoutMs }: ToolCacheOptions): ToolCache {
  for (const [tool, { ttlMs, sharedBy }] of Object.entries(tools)) {
    checkText("tools", tool, 128);
    checkTtl(`tools.${tool}.ttlMs`, ttlMs);
    checkOneOf(`tools.${tool}.sharedBy`, sharedBy, ["scope", "user"]);
  }
  const cache = createCache<unknown>(redis, { name: `tools-${name}`, timeoutMs });
  const call: ToolCache["call"] = async (tool, args, run, { user, tags = [] } = {}) => {
    const policy = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
    if (policy === undefined) return { value: await run(), kept: false };
    if (policy.sharedBy === "user" && (user === undefined || user === ""))
      throw new MarrowError(
        "invalid_input",
        `user must be given: the results of ${tool} are not shared between users`,
        {
          details: { path: "user" },
        },
      );
    const within = { args: withoutFields(args, policy.ignore ?? []), ...(policy.sharedBy === "user" && { user }) };
    const question = { prompt: `result of tool ${tool}`, within, tags: [`tool:${tool}`, ...tags] };
    const { source, value } = await cache.through(question, run, {
      ttlMs: policy.ttlMs,
      // JSON could not distinguish it from a null result.
      keep: (result) => result !== undefined,
    });
    return { value: value as Awaited<ReturnType<typeof run>>, kept: source === "exact" };
  };
  return {
    call: (tool, args, run, options) =>
      signalling(
        "cache:tool",
        () => ({ tool }),
        () => call(tool, args, run, options),
      ),
    invalidate: (tags) => cache.invalidate(tags),
  };
}

function withoutFields(args: unknown, fields: readonly string[]): unknown {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return args;
  return Object.fromEntries(Object.entries(args).filter(([field]) => !fields.includes(field)));
}
