import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { checkInteger } from "../internal/check.ts";
import type { ChatChunk, ChatCompletion, ChatMessage, ChatRequest } from "./chat.ts";
import { DEMO_KNOWLEDGE } from "./demo-knowledge.ts";
import { demoCall, demoResult, type DemoCall } from "./demo-tools.ts";
import type { ChatModel, StreamPart } from "./model.ts";
import { toEvent } from "./sse.ts";

/** Simulated delays of the demo model. */
export interface DemoModelOptions {
  /** Time to the first token, in milliseconds, ±10 %. @default 600 */
  readonly firstTokenMs?: number | undefined;
  /** Time between tokens, in milliseconds. @default 15 */
  readonly tokenMs?: number | undefined;
}

/** The demo model's id. */
export const DEMO_MODEL_ID = "demo";

/**
 * A model without API key and network that answers from a small built-in text with realistic delays, to try out caching, sessions and
 * limits. It remembers a name mentioned in the conversation, and says so if it does not know an answer.
 */
export function demoModel(options: DemoModelOptions = {}): ChatModel {
  const firstTokenMs = checkInteger("firstTokenMs", options.firstTokenMs ?? 600, { min: 0, max: 60_000 });
  const tokenMs = checkInteger("tokenMs", options.tokenMs ?? 15, { min: 0, max: 10_000 });

  async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms === 0 && signal?.aborted !== true) return;
    try {
      await pause(ms, undefined, { signal });
    } catch (cause) {
      throw new MarrowError("aborted", "the model call was aborted", { cause });
    }
  }

  return {
    serves: (id) => id === DEMO_MODEL_ID,
    list: async () => [{ id: DEMO_MODEL_ID, owned_by: "marrow", created: 0 }],

    async complete({ request, signal }) {
      const call = callFor(request);
      const words = call === undefined ? answerTo(request.messages) : [];
      await wait(firstTokenMs * (0.9 + Math.random() / 5) + tokenMs * words.length, signal);
      const completion = toCompletion(request, words.join(""), call);
      return { completion, text: JSON.stringify(completion) };
    },

    async stream({ request, signal }) {
      const call = callFor(request);
      const words = call === undefined ? answerTo(request.messages) : [];
      await wait(firstTokenMs * (0.9 + Math.random() / 5), signal);
      const whole = toCompletion(request, words.join(""), call);
      const { id, created, model, usage } = whole;
      const base = { id, object: "chat.completion.chunk", created, model };
      const wantsUsage = (request["stream_options"] as { include_usage?: unknown } | undefined)?.include_usage === true;
      return (async function* (): AsyncGenerator<StreamPart> {
        yield toPart({
          ...base,
          choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
        });
        for (const content of words) {
          await wait(tokenMs, signal);
          yield toPart({ ...base, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
        }
        const made = whole.choices[0]?.message["tool_calls"] as readonly object[] | undefined;
        const calls = made?.map((one, index) => ({ index, ...one }));
        if (calls !== undefined)
          yield toPart({ ...base, choices: [{ index: 0, delta: { tool_calls: calls }, finish_reason: null }] });
        const finish_reason = calls === undefined ? "stop" : "tool_calls";
        yield toPart({ ...base, choices: [{ index: 0, delta: {}, finish_reason }] });
        if (wantsUsage) yield toPart({ ...base, choices: [], usage: usage ?? null });
        yield { bytes: Buffer.from(toEvent("[DONE]")), chunks: [], done: true };
      })();
    },
  };
}

function toPart(chunk: ChatChunk): StreamPart {
  return { bytes: Buffer.from(toEvent(JSON.stringify(chunk))), chunks: [chunk], done: false };
}

function callFor(request: ChatRequest): DemoCall | undefined {
  const last = request.messages.at(-1);
  return last === undefined ? undefined : demoCall(request, textOf(last), rareWords);
}

function toCompletion(request: ChatRequest, content: string, call: DemoCall | undefined): ChatCompletion {
  const prompt_tokens = request.messages.reduce((sum, message) => sum + countTokens(textOf(message)), 0);
  const completion_tokens = countTokens(call === undefined ? content : `${call.name} ${call.arguments}`);
  const message =
    call === undefined
      ? { role: "assistant", content, refusal: null }
      : {
          role: "assistant",
          content: null,
          refusal: null,
          tool_calls: [{ id: `call_${randomUUID().replaceAll("-", "")}`, type: "function", function: call }],
        };
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: DEMO_MODEL_ID,
    choices: [{ index: 0, message, logprobs: null, finish_reason: call === undefined ? "stop" : "tool_calls" }],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  };
}

/** Characters of a prompt that are read. */
const READ_CHARS_MAX = 65_536;

/** Estimates tokens: an English word is about four thirds of a token. A longer text is estimated from its beginning. */
function countTokens(text: string): number {
  const read = text.slice(0, READ_CHARS_MAX);
  const words = (read.match(/\S+/g)?.length ?? 0) * (text.length / Math.max(1, read.length));
  return Math.ceil(words * (4 / 3));
}

/** Returns the answer, split into words with their spaces. */
function answerTo(messages: readonly ChatMessage[]): string[] {
  const result = demoResult(messages, textOf);
  if (result !== undefined) return wordsOf(result);
  const last = messages.findLast(({ role }) => role === "user");
  if (last !== undefined && ASKS_NAME.test(textOf(last).slice(0, SAID_CHARS_MAX))) return wordsOf(nameAnswer(messages));
  const asked = new Set(rareWords(last === undefined ? "" : textOf(last).slice(0, READ_CHARS_MAX)));
  let best = {
    score: 0,
    answer: "I am only a demo model and do not know that. Ask me what Marrow is, or connect a real model.",
  };
  for (const { about, answer } of DEMO_KNOWLEDGE) {
    const shared = rareWords(about).filter((word) => asked.has(word)).length;
    const score = asked.size === 0 ? 0 : shared / Math.sqrt(asked.size);
    if (score > best.score && shared / asked.size >= 0.4) best = { score, answer };
  }
  return wordsOf(best.answer);
}

/** The only fact that the demo model takes from a conversation, to show that a session works. */
const ASKS_NAME = /\b(?:what(?:'s| is) my name|who am i)\b/i;
const SAYS_NAME = /\b[Mm]y name is (\p{Lu}[\p{L}'-]{0,39})/u;
/** Characters of a message that are searched for a name. */
const SAID_CHARS_MAX = 2_048;

function nameAnswer(messages: readonly ChatMessage[]): string {
  for (const message of messages.toReversed()) {
    const [, name] = (message.role === "user" && SAYS_NAME.exec(textOf(message).slice(0, SAID_CHARS_MAX))) || [];
    if (name !== undefined) return `Your name is ${name}.`;
  }
  return "You have not told me your name in this conversation.";
}

function wordsOf(text: string): string[] {
  return text.match(/\S+\s*/g) ?? [];
}

const COMMON = new Set(
  "what is the a an of how does do i in to me tell please can you are was and for with about which it this that my s".split(
    " ",
  ),
);

function rareWords(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[a-z0-9]+/g) ?? [])].filter((word) => !COMMON.has(word));
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === "string" ? part.text : "")).join(" ");
}
