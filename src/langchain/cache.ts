import { BaseCache, deserializeStoredGeneration, serializeGeneration } from "@langchain/core/caches";
import type { Generation } from "@langchain/core/outputs";
import { hash } from "node:crypto";
import { PROMPT_CHARS_MAX, unlessAway, type Cache, type Question } from "../cache/index.ts";

type Stored = ReturnType<typeof serializeGeneration>;

/** Options of {@link MarrowCache}. */
export interface MarrowCacheOptions {
  /**
   * Whether prompts are compared by meaning too. Only for models that are prompted with one text: a chat's prompt has its instructions and
   * earlier turns in it, which drown what was asked. @default false, the exact tier only
   */
  readonly semantic?: boolean | undefined;
  /** Told of a cache that is away; the model is asked. */
  readonly onUnavailable?: ((error: unknown) => void) | undefined;
}

/**
 * A Marrow cache as LangChain's `BaseCache`. The model and its parameters (LangChain's `llmKey`) count exactly. Never stored: answers
 * with tool calls, or that were cut off or refused.
 */
export class MarrowCache extends BaseCache {
  readonly #cache: Cache<Stored[]>;
  readonly #options: MarrowCacheOptions;

  constructor(cache: Cache<Stored[]>, options: MarrowCacheOptions = {}) {
    super();
    this.#cache = cache;
    this.#options = options;
  }

  /** The stored generations, or `null`. */
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
   * LangChain hands a prompt over as text in which a picture, a sound or a file is a word in brackets, whatever is in it: such a prompt is
   * not cached. Fields of messages that are not in that text (`additional_kwargs`, ids) cannot be told apart here.
   *
   * Compared exactly, a prompt needs no words: its digest stands for it. So nothing of it can lean on anything, or be too long. */
  #toQuestion(prompt: string, llmKey: string): Question | undefined {
    if (PLACEHOLDER.test(prompt)) return undefined;
    const within = { llmKey };
    if (this.#options.semantic !== true) return { prompt: hash("sha256", prompt), within };
    return prompt.trim() === "" || prompt.length > PROMPT_CHARS_MAX ? undefined : { prompt, within };
  }
}

/** What stands for a part of a message that is no text: `[image]`, `[input_audio]`, `[text-plain file]`. */
const PLACEHOLDER = /\[[a-z][\w-]*(?: file)?\]/i;

/** Fields by which providers tell why an answer ended, in generations and in messages. */
const REASONS = ["finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "status"] as const;
/** What they say of an answer that is whole. Any other word may mean less. */
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

/** Whether an answer may be given again: it has words, its end, no calls and no refusal, in all places where message classes tell of these. */
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
