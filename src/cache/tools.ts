import { MarrowError } from "../errors.ts";
import { checkOneOf, checkText } from "../internal/check.ts";
import { signalling } from "../internal/signals.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createCache } from "./cache.ts";
import { checkTtl } from "./options.ts";

/** How the results of one tool are kept. */
export interface ToolPolicy {
  /** How long a result may be served, in milliseconds, 1 to 366 days. */
  readonly ttlMs: number;
  /** `scope`: one result for all of the tenant; `user`: one for each user, who must then be named. */
  readonly sharedBy: "scope" | "user";
  /** Fields of the arguments that change nothing, such as a request's id. @default none */
  readonly ignore?: readonly string[] | undefined;
}

/** Options of `createToolCache`. */
export interface ToolCacheOptions {
  /** Name of this cache within its scope. */
  readonly name: string;
  /** Tools whose results may be kept, by name. A tool that is not named is always called: what a tool does may be an act. */
  readonly tools: Readonly<Record<string, ToolPolicy>>;
  /** Longest wait for one answer of Redis, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
}

/** Results of tools. */
export interface ToolCache {
  /**
   * Calls a tool, or gives the result of the same call. Arguments count exactly, whatever the order of their fields. Who misses one call at
   * once calls once. What the tool throws is never kept; Redis being away is a call. One round trip for a kept result.
   * @throws MarrowError `invalid_input` for a user's tool without a user; what `run` throws
   */
  call<T>(
    tool: string,
    args: unknown,
    run: () => Promise<T>,
    options?: { readonly user?: string | undefined; readonly tags?: readonly string[] | undefined },
  ): Promise<{ readonly value: T; readonly kept: boolean }>;
  /** Ends all results that bear one of the tags; each result bears `tool:<name>`. */
  invalidate(tags: readonly string[]): Promise<void>;
}

/** Makes the tool cache of one scope: exact only, since a call that is nearly the same is another call. @throws MarrowError `invalid_option` */
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
      // No JSON could tell it from a result that is null.
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
