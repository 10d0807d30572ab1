import { hash, randomUUID } from "node:crypto";
import type { LanguageModelMiddleware } from "ai";
import type { Question } from "../cache/index.ts";

type Generate = Parameters<NonNullable<LanguageModelMiddleware["wrapGenerate"]>>[0];
type Stream = Awaited<ReturnType<NonNullable<LanguageModelMiddleware["wrapStream"]>>>["stream"];

/** Parameters of a model call in the AI SDK. */
export type Call = Generate["params"];
/** A model's whole answer. */
export type Generation = Awaited<ReturnType<Generate["doGenerate"]>>;
/** One part of a streamed answer. */
export type Part = Stream extends ReadableStream<infer One> ? One : never;

/** A stored answer: text and reasoning, each in its original pieces. */
export interface StoredGeneration {
  readonly content: readonly { readonly type: "text" | "reasoning"; readonly pieces: readonly string[] }[];
  readonly finishReason: Generation["finishReason"];
  readonly usage: Generation["usage"];
}

/**
 * Converts a call to a question. The last user turn's text is compared by meaning; the model, instructions, tools and parameters exactly;
 * the earlier turns as context. `undefined` if the last turn is not a user's text.
 */
export function toQuestion(
  { prompt, abortSignal: _, headers: __, includeRawChunks: ___, ...parameters }: Call,
  model: { provider: string; modelId: string },
): Question | undefined {
  const last = prompt.at(-1);
  if (last?.role !== "user" || !last.content.every((part) => part.type === "text")) return undefined;
  const text = last.content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  if (text.trim() === "") return undefined;
  const before = prompt.slice(0, -1);
  const instructed = before.filter(({ role }) => role === "system");
  const said = before.filter(({ role }) => role !== "system");
  // All of the last turn but its text counts exactly: options for the provider, and where one part ends and the next begins.
  const { role: ____, content, ...fields } = last;
  const beside = {
    fields,
    before: content.slice(0, -1),
    ofLast: content.slice(-1).map(({ text: _____, ...rest }) => rest),
  };
  const within = { provider: model.provider, model: model.modelId, parameters, instructed, beside };
  return {
    prompt: text,
    within: JSON.parse(JSON.stringify(within)) as unknown,
    context: said.length === 0 ? undefined : hash("sha256", JSON.stringify(said)),
  };
}

/** Converts an answer for storage; `undefined` if it must not be stored: cut off, refused, empty, or with tool calls or files. */
export function toStored({ content, finishReason, usage }: Generation): StoredGeneration | undefined {
  const kept = content.map((part) =>
    part.type === "text" || part.type === "reasoning" ? { type: part.type, pieces: [part.text] } : undefined,
  );
  return keepable(kept, finishReason) ? { content: kept, finishReason, usage } : undefined;
}

/** Converts a stored answer to a whole one. */
export function toGeneration(
  { content, finishReason, usage }: StoredGeneration,
  metadata: Generation["providerMetadata"],
): Generation {
  return {
    content: content.map(({ type, pieces }) => ({ type, text: pieces.join("") })),
    finishReason,
    usage: asCached(usage),
    warnings: [],
    ...(metadata && { providerMetadata: metadata }),
  };
}

/** Converts a stored answer to a stream of its original pieces, with new ids. */
export function toParts(
  { content, finishReason, usage }: StoredGeneration,
  metadata: Generation["providerMetadata"],
): Part[] {
  return [
    { type: "stream-start", warnings: [] },
    ...content.flatMap(({ type, pieces }): Part[] => {
      const id = randomUUID();
      return [
        { type: `${type}-start`, id },
        ...pieces.map((delta): Part => ({ type: `${type}-delta`, id, delta })),
        { type: `${type}-end`, id },
      ];
    }),
    { type: "finish", finishReason, usage: asCached(usage), ...(metadata && { providerMetadata: metadata }) },
  ];
}

/** Collects a streamed answer while passing it on. */
export function createCollector(): { add(part: Part): void; stored(): StoredGeneration | undefined } {
  const blocks = new Map<string, { type: "text" | "reasoning"; pieces: string[] }>();
  let finish: Extract<Part, { type: "finish" }> | undefined;
  let whole = true;
  return {
    add(part) {
      switch (part.type) {
        case "text-start":
        case "reasoning-start":
          blocks.set(part.id, { type: part.type === "text-start" ? "text" : "reasoning", pieces: [] });
          break;
        case "text-delta":
        case "reasoning-delta":
          blocks.get(part.id)?.pieces.push(part.delta);
          break;
        case "finish":
          finish = part;
          break;
        case "stream-start":
        case "text-end":
        case "reasoning-end":
        case "response-metadata":
        case "ping":
        case "raw":
          break;
        default:
          // Tool calls, files, sources and errors are no answer that could be given again.
          whole = false;
      }
    },
    stored() {
      const content = [...blocks.values()];
      if (!whole || finish === undefined || !keepable(content, finish.finishReason)) return undefined;
      return { content, finishReason: finish.finishReason, usage: finish.usage };
    },
  };
}

function keepable(
  content: readonly ({ readonly type: "text" | "reasoning"; readonly pieces: readonly string[] } | undefined)[],
  finishReason: Generation["finishReason"],
): content is readonly { readonly type: "text" | "reasoning"; readonly pieces: readonly string[] }[] {
  const said = content.some((block) => block?.type === "text" && block.pieces.join("").trim() !== "");
  return finishReason.unified === "stop" && said && !content.includes(undefined);
}

/** Converts the usage of a stored answer: the whole prompt was read from the cache, and nothing was written. */
function asCached(usage: Generation["usage"]): Generation["usage"] {
  const { inputTokens } = usage;
  return { ...usage, inputTokens: { ...inputTokens, noCache: 0, cacheRead: inputTokens.total } };
}
