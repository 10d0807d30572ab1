import { request } from "undici";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { sharedDispatcher } from "../internal/connector.ts";
import { checkTexts, normalise, toFingerprint, type Embedder } from "./embedder.ts";

/** An OpenAI-compatible embedding endpoint and its model. */
export interface OpenaiEmbedderOptions {
  /** Base URL of the endpoint, without `/embeddings`. @default "https://api.openai.com/v1" */
  readonly baseUrl?: string | undefined;
  /** Bearer token; never logged. */
  readonly apiKey?: string | undefined;
  readonly model: string;
  /** Length of the vectors. Only sent if `shorten` is set. */
  readonly dimensions: number;
  /** Requests vectors of `dimensions` numbers, from models that can shorten theirs. @default false */
  readonly shorten?: boolean | undefined;
  /** Most texts in one request. @default 128 */
  readonly batchSize?: number | undefined;
  /** Longest wait for one answer, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
}

/** Embeds through a `/v1/embeddings` endpoint: OpenAI's, vLLM, Ollama, llama.cpp and others. One HTTP request per `batchSize` texts. */
export function openaiEmbedder(options: OpenaiEmbedderOptions): Embedder {
  const model = checkText("model", options.model);
  const dimensions = checkInteger("dimensions", options.dimensions, { min: 1, max: 65_536 });
  const batchSize = checkInteger("batchSize", options.batchSize ?? 128, { min: 1, max: 2048 });
  const timeoutMs = checkInteger("timeoutMs", options.timeoutMs ?? 10_000, { min: 1 });
  const url = `${(options.baseUrl ?? "https://api.openai.com/v1").replace(/\/+$/, "")}/embeddings`;
  const headers = {
    "content-type": "application/json",
    ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
  };

  async function embedBatch(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const body = JSON.stringify({
      model,
      input: texts,
      encoding_format: "float",
      ...(options.shorten === true && { dimensions }),
    });
    const timeout = AbortSignal.timeout(timeoutMs);
    const answer = await request(url, {
      method: "POST",
      headers,
      body,
      dispatcher: sharedDispatcher(),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`the embedding endpoint answered ${answer.statusCode}`);
    }
    return readVectors(await answer.body.json(), texts.length, dimensions);
  }

  return {
    id: model,
    dimensions,
    maxTokens: 8191,
    fingerprint: toFingerprint({ model, dimensions, provider: "openai-compatible", normalised: 1 }),
    async embed(texts, { signal } = {}) {
      checkTexts(texts);
      try {
        const vectors: Float32Array[] = [];
        for (let start = 0; start < texts.length; start += batchSize) {
          vectors.push(...(await embedBatch(texts.slice(start, start + batchSize), signal)));
        }
        return vectors;
      } catch (cause) {
        if (signal?.aborted === true) throw new MarrowError("aborted", "embedding was aborted", { cause });
        throw new MarrowError("embedder_failed", `embedder ${model} failed`, { cause, details: { model } });
      }
    },
  };
}

function readVectors(answer: unknown, count: number, dimensions: number): Float32Array[] {
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count) throw new Error(`expected ${count} embeddings in data`);
  const vectors: (Float32Array | undefined)[] = Array.from({ length: count });
  data.forEach((row: { index?: unknown; embedding?: unknown }, at) => {
    const { embedding, index = at } = row;
    const good =
      Array.isArray(embedding) && embedding.length === dimensions && embedding.every((value) => Number.isFinite(value));
    if (!good || typeof index !== "number") throw new Error(`expected embeddings of ${dimensions} finite numbers`);
    vectors[index] = normalise(Float32Array.from(embedding as number[]));
  });
  return vectors.map((vector) => {
    if (vector === undefined) throw new Error("an embedding is missing");
    return vector;
  });
}
