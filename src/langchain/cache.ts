import { BaseCache, deserializeStoredGeneration, serializeGeneration } from "@langchain/core/caches";
import type { Generation } from "@langchain/core/outputs";
import { hash } from "node:crypto";
import { PROMPT_CHARS_MAX, unlessAway, type Cache, type Question } from "../cache/index.ts";

type Stored = ReturnType<typeof serializeGeneration>;

/** Options of {@link MarrowCache}. */
export interface MarrowCacheOptions {
  /**
   * Whether prompts are also compared by meaning. Only for models that are prompted with a single text: the instructions and earlier turns
   * in a chat's prompt would outweigh the question. @default false, the exact tier only
   */
  readonly semantic?: boolean | undefined;
  /** Called if the cache is unavailable; the model is called instead. */
  readonly onUnavailable?: ((error: unknown) => void) | undefined;
}

/**
 * A Marrow cache as LangChain's `BaseCache`. The model and its parameters (LangChain's `llmKey`) are compared exactly. Never stored:
 * answers with tool calls, and truncated or refused ones.
 */
export class MarrowCache extends BaseCache {
  readonly #cache: Cache<Stored[]>;
  readonly #options: MarrowCacheOptions;

  constructor(cache: Cache<Stored[]>, options: MarrowCacheOptions = {}) {
    super();
    this.#cache = cache;
    this.#options = options;
  }

  /** Returns the stored generations, or `null`. */
  async lookup(prompt: string, llmKey: string): Promise<Generation[] | null> {
    const tiers = this.#options.semantic === true ? "both" : "exact";
    const question = this.#toQuestion(prompt, llmKey);
    if (question === undefined) return null;
    const found = await unlessAway(this.#cache.lookup(question, { tiers }), this.#options.onUnavailable);
    return found?.hit === true ? found.value.map((stored) => deserializeStoredGeneration(stored) as Generation) : null;
  }

  /** Stores generations. */
  async update(prompt: string, llmKey: string, value: Generation[]): Promise<void> {
    const question = this.#toQuestion(prompt, llmKey);
    if (question === undefined || value.length === 0 || !value.every(isWhole)) return;
    await unlessAway(this.#cache.store(question, value.map(serializeGeneration)), this.#options.onUnavailable);
  }

  /**
   * Converts a prompt to a question. LangChain passes it as text in which images, audio and files are only placeholders, so a prompt with
   * one is not cached. Message fields that are not in that text (`additional_kwargs`, ids) are not compared.
   *
   * For an exact comparison the prompt's digest is enough, so it is never a follow-up and never too long.
   */
  #toQuestion(prompt: string, llmKey: string): Question | undefined {
    if (PLACEHOLDER.test(prompt)) return undefined;
    const within = { llmKey };
    if (this.#options.semantic !== true) return { prompt: hash("sha256", prompt), within };
    return prompt.trim() === "" || prompt.length > PROMPT_CHARS_MAX ? undefined : { prompt, within };
  }
}

/** Placeholder for a message part that is not text: `[image]`, `[input_audio]`, `[text-plain file]`. */
const PLACEHOLDER = /\[[a-z][\w-]*(?: file)?\]/i;

/** Fields in which providers report a finish reason, in generations and messages. */
const REASONS = ["finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "status"] as const;
/** Finish reasons of a complete answer. */
const WHOLE = /^(?:stop|end_turn|stop_sequence|eos|eos_token|completed?|success)$/i;

interface Told {
  readonly text: string;
  readonly generationInfo?: Readonly<Record<string, unknown>> | undefined;
  readonly message?:
    | {
        readonly content?: unknown;
        readonly tool_calls?: unknown;
        readonly invalid_tool_calls?: unknown;
        readonly response_metadata?: unknown;
        readonly additional_kwargs?: unknown;
      }
    | undefined;
}

/**
 * Returns true if an answer may be reused: it has text and an end, and no calls or refusal, in all fields where message classes report
 * these.
 */
function isWhole({ text, generationInfo, message }: Told): boolean {
  const kwargs = toFields(message?.additional_kwargs);
  const places = [toFields(generationInfo), toFields(message?.response_metadata), kwargs];
  const reasons = places.flatMap((place) => REASONS.map((name) => place[name])).filter((reason) => reason != null);
  const calls = [message?.tool_calls, message?.invalid_tool_calls, kwargs["tool_calls"], kwargs["function_call"]];
  const refused = [...places.map(({ refusal }) => refusal), ...places.map(({ incomplete_details: cut }) => cut)];
  const parts: readonly unknown[] = Array.isArray(message?.content) ? message.content : [];
  return (
    text.trim() !== "" &&
    reasons.every((reason) => typeof reason === "string" && WHOLE.test(reason)) &&
    calls.every((made) => made == null || (Array.isArray(made) && made.length === 0)) &&
    refused.every((word) => word == null || word === "") &&
    !parts.some((part) => toFields(part)["type"] === "refusal")
  );
}

function toFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
