import { apply, withoutSaid, type Change } from "./changes.ts";
import type { ChatRequest } from "./chat.ts";
import { isLackOfSignature, isLackOfThoughts, withLoopThoughts, type ThoughtsField } from "./given-back.ts";
import { createLessons } from "./lessons.ts";
import { refusesSignatures, withoutSignatures } from "./signatures.ts";
import { teachingOf } from "./teaching.ts";
import { dropOldest } from "../internal/drop-oldest.ts";

/** Known field support of an endpoint. */
export interface DialectOptions {
  /**
   * Field name of the answer's bound: reasoning models accept only `max_completion_tokens`, old servers only `max_tokens`. `auto` sends the
   * client's field, and switches after a refusal that names it. @default "auto"
   */
  readonly outputLimit?: "auto" | "max_tokens" | "max_completion_tokens" | undefined;
}

/** Adapts requests to the fields that one endpoint accepts. */
export interface Dialect {
  /** Adapts a request to the endpoint; returns the same object if nothing changes. */
  adapt(request: ChatRequest): ChatRequest;
  /** Records the field in which a model of the endpoint sends its reasoning; it gets its reasoning back there. */
  thinks(model: string, field: ThoughtsField): void;
  /**
   * Reads a refusal (400 or 422): returns a request to try instead, or `undefined` if the client should get the refusal. Call `learn` once
   * that request was accepted; it stores only changes that hold for all requests to the model.
   */
  amend(
    request: ChatRequest,
    refusal: string,
  ): { readonly request: ChatRequest; readonly learn: () => void } | undefined;
}

/** Models whose reasoning field is cached. */
const THINKING_MAX = 1_000;
/** Most changes of one request: each is one more call of the endpoint. */
export const AMENDMENTS_MAX = 3;

/** Makes the dialect of one endpoint. A lesson holds for one model, for an hour. */
export function createDialect(
  { outputLimit = "auto" }: DialectOptions,
  nowMs: () => number = () => performance.now(),
): Dialect {
  const lessons = createLessons<Change>(nowMs);
  // Clients choose field names freely, so these have their own space and never evict lessons about the gateway's fields.
  const foreign = createLessons<Change>(nowMs);
  const fixed: readonly Change[] = outputLimit === "auto" ? [] : [outputLimit];
  const thinking = new Map<string, ThoughtsField>();
  /** Original requests, before adapting: fields that a lesson removed are restored when it ends. */
  const asked = new WeakMap<ChatRequest, ChatRequest>();

  function adapt(request: ChatRequest): ChatRequest {
    const field = thinking.get(request.model);
    const given = field === undefined ? request : withLoopThoughts(request, field);
    const adapted = [...fixed, ...lessons.of(request.model), ...foreign.of(request.model)].reduce(apply, given);
    if (adapted !== request) asked.set(adapted, request);
    return adapted;
  }

  /** Deletes the lessons that a refusal contradicts. Returns the request with the fields that they removed. */
  function undo(request: ChatRequest, refusal: string): ChatRequest {
    const wrong = contradicted(refusal, request).filter((change) => lessons.forget(request.model, change));
    return wrong.length === 0 ? request : adapt(asked.get(request) ?? request);
  }

  return {
    adapt,

    thinks(model, field) {
      if (thinking.get(model) === field) return;
      thinking.set(model, field);
      dropOldest(thinking, THINKING_MAX);
    },

    amend(request, refusal) {
      // Another endpoint's reasoning, and nothing said so: this request goes on without it.
      const bare = refusesSignatures(refusal) ? withoutSignatures(request) : request;
      if (bare !== request) {
        asked.set(bare, asked.get(request) ?? request);
        return { request: bare, learn() {} };
      }
      const restored = undo(request, refusal);
      const teaching = teachingOf(restored, refusal);
      const amended = teaching === undefined ? restored : apply(restored, teaching.change);
      if (amended === request) return undefined;
      asked.set(amended, asked.get(request) ?? request);
      return {
        request: amended,
        learn() {
          if (teaching?.isLasting !== true) return;
          const { change } = teaching;
          const table = isForeign(change) ? foreign : lessons;
          table.learn(
            request.model,
            change,
            SAME.find((changes) => changes.includes(change))?.filter((one) => one !== change),
          );
        },
      };
    },
  };
}

const NO_THOUGHTS = withoutSaid({ place: "message", name: "reasoning_content" });
const NO_SIGNATURES = withoutSaid({ place: "call", name: "extra_content" });
/** Changes to fields in which the gateway returns a model's earlier output. */
const CARRIED: ReadonlySet<Change> = new Set([
  NO_THOUGHTS,
  NO_SIGNATURES,
  withoutSaid({ place: "message", name: "reasoning" }),
]);

function isForeign(change: Change): boolean {
  return change.startsWith("-said ") && !CARRIED.has(change);
}

/** Groups of changes of which only the last one applies. */
const SAME: readonly (readonly Change[])[] = [
  ["max_completion_tokens", "max_tokens"],
  ["+thoughts", NO_THOUGHTS],
];

/** Returns the lessons that a refusal contradicts: the endpoint requires a field that they removed. */
function contradicted(refusal: string, request: ChatRequest): readonly Change[] {
  if (isLackOfSignature(refusal)) return [NO_SIGNATURES, "-hints"];
  return isLackOfThoughts(request, refusal) ? [NO_THOUGHTS] : [];
}
