import { z } from "zod";
import type { Embedder } from "../../embedders/index.ts";
import { MarrowError } from "../../errors.ts";
import { toBytes } from "../../internal/bytes.ts";
import { mapInSlices } from "../../internal/time-slice.ts";
import { estimateText } from "../../internal/token-estimate.ts";
import type { GatewayApp } from "../parts.ts";
import { scopeOf } from "../tenancy/identity.ts";
import { decodeTokens } from "../models/tokens.ts";
import { forward } from "./forwarded.ts";

const INPUTS_MAX = 2_048;
const TOKENS_MAX = 8_192;

/** A text as tokens of the encoding cl100k_base, as clients of OpenAI's embedding models send it. */
const tokenList = z.array(z.int().min(0).max(200_000)).min(1).max(TOKENS_MAX);

const embeddingsBody = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(INPUTS_MAX),
    tokenList,
    z.array(tokenList).min(1).max(INPUTS_MAX),
  ]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
});

/** Fields that the gateway's own embedder reads; `user` selects whose limits count. */
const FIELDS: ReadonlySet<string> = new Set(["model", "input", "encoding_format", "dimensions", "user"]);

/** Registers `POST /v1/embeddings`, by the gateway's own embedder or the upstream that serves the model. */
export function registerEmbeddings(parts: GatewayApp): void {
  const { app, embedder, findModel } = parts;
  app.post("/v1/embeddings", { schema: { body: embeddingsBody } }, async (request, reply) => {
    const { model, input, encoding_format: format, dimensions } = request.body as z.infer<typeof embeddingsBody>;
    if (embedder === undefined || embedder.id !== model) return forward(parts, request, reply, findModel(model));
    const unknown = Object.entries(request.body as object).find(([name, value]) => value !== null && !FIELDS.has(name));
    if (unknown !== undefined)
      throw new MarrowError("invalid_input", `${unknown[0].slice(0, 64)}: the built-in embedder has no such field`, {
        details: { path: unknown[0].slice(0, 64) },
      });
    if (dimensions !== undefined && dimensions !== null && dimensions > embedder.dimensions)
      throw new MarrowError(
        "invalid_input",
        `dimensions must be at most ${embedder.dimensions} for this model, got ${dimensions}`,
        { details: { path: "dimensions" } },
      );
    const texts = await toTexts(scopeOf(request), input);
    const whole = await embedder.embed(texts);
    const vectors = dimensions == null ? whole : whole.map((vector) => shortened(vector, dimensions));
    const counts = await mapInSlices(texts, (text) => tokensOf(text, embedder));
    const tokens = counts.reduce((sum, count) => sum + count, 0);
    // Half a million numbers may be written: in slices and as bytes, so that others are answered meanwhile.
    const data = await mapInSlices(vectors, (vector, index) => {
      const embedding = format === "base64" ? toBytes(vector).toString("base64") : [...vector];
      return Buffer.from(`${index === 0 ? "" : ","}${JSON.stringify({ object: "embedding", index, embedding })}`);
    });
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    const head = Buffer.from(`{"object":"list","model":${JSON.stringify(model)},"data":[`);
    const tail = Buffer.from(`],"usage":${JSON.stringify(usage)}}`);
    return reply.type("application/json; charset=utf-8").send(Buffer.concat([head, ...data, tail]));
  });
}

/** Returns the texts of an input; token lists are decoded. @throws MarrowError `invalid_input` */
async function toTexts(scope: string, input: z.infer<typeof embeddingsBody>["input"]): Promise<readonly string[]> {
  if (typeof input === "string") return [input];
  const list = typeof input[0] === "number" ? [input as number[]] : (input as string[] | number[][]);
  if (typeof list[0] === "string") return list as string[];
  const texts = await decodeTokens(scope, list as number[][]);
  return texts.map((text, at) => {
    if (text !== "") return text;
    throw new MarrowError("invalid_input", `input.${at}: must be token ids of cl100k_base`, {
      details: { path: "input" },
    });
  });
}

/** The first numbers of a vector, at length one again: how models with shorter vectors make theirs. */
function shortened(vector: Float32Array, dimensions: number): Float32Array {
  const first = vector.slice(0, dimensions);
  const length = Math.hypot(...first);
  return length === 0 ? first : first.map((value) => value / length);
}

/** An estimate by script; the built-in embedder charges nobody by it. */
function tokensOf(text: string, { maxTokens }: Embedder): number {
  return Math.min(maxTokens, estimateText(text));
}
