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

function isWhole({
  text,
  generationInfo,
  message,
}: Generation & { readonly message?: { readonly tool_calls?: unknown } }): boolean {
  const reason = String(generationInfo?.["finish_reason"] ?? generationInfo?.["stop_reason"] ?? "stop");
  const calls = message?.tool_calls;
  return (
    text.trim() !== "" &&
    /^(?:stop|end_turn|stop_sequence)$/i.test(reason) &&
    !(Array.isArray(calls) && calls.length > 0)
  );
}
