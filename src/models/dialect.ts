import { apply, withoutSaid, type Change } from "./changes.ts";
import type { ChatRequest } from "./chat.ts";
import { isLackOfSignature, isLackOfThoughts, withLoopThoughts, type ThoughtsField } from "./given-back.ts";
import { createLessons } from "./lessons.ts";
import { teachingOf } from "./teaching.ts";

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
  /** Notes in which field a model of the endpoint says what it thought: it is given its thoughts back there. */
  thinks(model: string, field: ThoughtsField): void;
  /**
   * Reads a refusal (400 or 422): the request as it may be taken, or `undefined` where it is to be told to the client. `learn` is called once the
   * request was taken; it keeps only what holds for all requests to the model.
   */
  amend(
    request: ChatRequest,
    refusal: string,
  ): { readonly request: ChatRequest; readonly learn: () => void } | undefined;
}

/** Models of which it is remembered where they say what they thought. */
const THINKING_MAX = 1_000;
/** Changes that one request may go through: each is one more call of the endpoint. */
export const AMENDMENTS_MAX = 3;

/** Makes the dialect of one endpoint. What is learned holds for a model, and for an hour. */
export function createDialect(
  { outputLimit = "auto" }: DialectOptions,
  nowMs: () => number = () => performance.now(),
): Dialect {
  const lessons = createLessons<Change>(nowMs);
  // Fields that any client may make up never take the room of what the gateway itself sends.
  const foreign = createLessons<Change>(nowMs);
  const fixed: readonly Change[] = outputLimit === "auto" ? [] : [outputLimit];
  const thinking = new Map<string, ThoughtsField>();
  /** The requests as they were before they were adapted and amended: what a lesson took away is given back when it ends. */
  const asked = new WeakMap<ChatRequest, ChatRequest>();

  function adapt(request: ChatRequest): ChatRequest {
    const field = thinking.get(request.model);
    const given = field === undefined ? request : withLoopThoughts(request, field);
    const adapted = [...fixed, ...lessons.of(request.model), ...foreign.of(request.model)].reduce(apply, given);
    if (adapted !== request) asked.set(adapted, request);
    return adapted;
  }

  /** Ends the lessons that a refusal contradicts. Answers the request with what they took from it. */
  function undo(request: ChatRequest, refusal: string): ChatRequest {
    const wrong = contradicted(refusal, request).filter((change) => lessons.forget(request.model, change));
    return wrong.length === 0 ? request : adapt(asked.get(request) ?? request);
  }

  return {
    adapt,

    thinks(model, field) {
      if (thinking.get(model) === field) return;
      if (thinking.size >= THINKING_MAX) thinking.delete(thinking.keys().next().value ?? "");
      thinking.set(model, field);
    },

    amend(request, refusal) {
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
/** What the gateway itself gives back of what models said. */
const CARRIED: ReadonlySet<Change> = new Set([
  NO_THOUGHTS,
  NO_SIGNATURES,
  withoutSaid({ place: "message", name: "reasoning" }),
]);

function isForeign(change: Change): boolean {
  return change.startsWith("-said ") && !CARRIED.has(change);
}

/** Changes of which the last one holds. */
const SAME: readonly (readonly Change[])[] = [
  ["max_completion_tokens", "max_tokens"],
  ["+thoughts", NO_THOUGHTS],
];

/** The lessons that a refusal shows to be wrong: the endpoint lacks what they took away. */
function contradicted(refusal: string, request: ChatRequest): readonly Change[] {
  if (isLackOfSignature(refusal)) return [NO_SIGNATURES, "-hints"];
  return isLackOfThoughts(request, refusal) ? [NO_THOUGHTS] : [];
}
