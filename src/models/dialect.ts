import type { ChatRequest } from "./chat.ts";

/** Which fields an endpoint takes, as far as it is known before it was asked. */
export interface DialectOptions {
  /**
   * The name of an answer's bound: reasoning models take `max_completion_tokens` only, old servers `max_tokens` only. `auto` sends what the
   * client sent and learns from a refusal that names the field. @default "auto"
   */
  readonly outputLimit?: "auto" | "max_tokens" | "max_completion_tokens" | undefined;
}

/** Rewrites requests to what one endpoint takes. */
export interface Dialect {
  /** The request as the endpoint takes it; the same object where nothing needs to change. */
  adapt(request: ChatRequest): ChatRequest;
  /** Reads a refusal (400 or 422): the request without what it names, or `undefined` where nothing is learned from it. */
  amend(
    request: ChatRequest,
    refusal: string,
  ): { readonly request: ChatRequest; readonly learn: () => void } | undefined;
}

/** Models whose refusals are remembered. */
const MODELS_MAX = 1_000;
/** Changes that one request may go through: each is one more call of the endpoint. */
export const AMENDMENTS_MAX = 3;

type Change = "max_completion_tokens" | "max_tokens" | "-stream_options" | "-metadata";

/** Words by which endpoints refuse a field as such, rather than its value. */
const REFUSED =
  /unsupported|not supported|does not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|only allowed|extra_forbidden|extra (?:inputs|fields)|additional propert|invalid (?:field|parameter|argument)|use '?"?max_completion_tokens/i;

/** Makes the dialect of one endpoint. What is learned holds for a model, until the process ends. */
export function createDialect({ outputLimit = "auto" }: DialectOptions): Dialect {
  const learned = new Map<string, Set<Change>>();
  const fixed: readonly Change[] = outputLimit === "auto" ? [] : [outputLimit];

  function remember(model: string, change: Change): void {
    if (learned.size >= MODELS_MAX && !learned.has(model)) learned.clear();
    const known = learned.get(model) ?? new Set();
    // A later lesson about the bound takes the place of an earlier one.
    if (!change.startsWith("-"))
      for (const other of ["max_completion_tokens", "max_tokens"] as const) known.delete(other);
    learned.set(model, known.add(change));
  }

  return {
    adapt(request) {
      const known = learned.get(request.model);
      if (known === undefined && fixed.length === 0) return request;
      return [...fixed, ...(known ?? [])].reduce(apply, request);
    },

    amend(request, refusal) {
      const change = REFUSED.test(refusal) ? changeFor(request, refusal) : undefined;
      if (change === undefined) return undefined;
      const amended = apply(request, change);
      return amended === request ? undefined : { request: amended, learn: () => remember(request.model, change) };
    },
  };
}

/** What a refusal asks for. The field that the request has decides, since refusals name both bounds. */
function changeFor(request: ChatRequest, refusal: string): Change | undefined {
  const names = (field: string) => request[field] != null && new RegExp(`\\b${field}\\b`).test(refusal);
  if (names("max_tokens")) return "max_completion_tokens";
  if (names("max_completion_tokens")) return "max_tokens";
  if (names("stream_options")) return "-stream_options";
  return names("metadata") ? "-metadata" : undefined;
}

function apply(request: ChatRequest, change: Change): ChatRequest {
  if (change.startsWith("-")) {
    const { [change.slice(1)]: dropped, ...rest } = request;
    return dropped === undefined ? request : (rest as ChatRequest);
  }
  const from = change === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  const { [from]: bound, ...rest } = request;
  return bound === undefined || bound === null
    ? request
    : { ...(rest as ChatRequest), [change]: rest[change] ?? bound };
}
