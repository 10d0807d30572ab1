import { z } from "zod";
import type { Embedder } from "../../embedders/index.ts";
import { MarrowError } from "../../errors.ts";
import { toBytes } from "../../internal/bytes.ts";
import { mapInSlices } from "../../internal/time-slice.ts";
import { estimateText } from "../../internal/token-estimate.ts";
import type { GatewayApp } from "../parts.ts";

const INPUTS_MAX = 2_048;

const embeddingsBody = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(INPUTS_MAX)]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
});

/** `POST /v1/embeddings` by the gateway's own embedder. */
export function registerEmbeddings({ app, embedder }: GatewayApp): void {
  app.post("/v1/embeddings", { schema: { body: embeddingsBody } }, async (request, reply) => {
    const { model, input, encoding_format: format, dimensions } = request.body as z.infer<typeof embeddingsBody>;
    if (embedder === undefined || embedder.id !== model) {
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    }
    if (dimensions !== undefined && dimensions !== null && dimensions !== embedder.dimensions) {
      throw new MarrowError(
        "invalid_input",
        `dimensions must be ${embedder.dimensions} for this model, got ${dimensions}`,
        {
          details: { path: "dimensions" },
        },
      );
    }
    const texts = typeof input === "string" ? [input] : input;
    const vectors = await embedder.embed(texts);
    const tokens = texts.reduce((sum, text) => sum + tokensOf(text, embedder), 0);
    // Half a million numbers may be written: in slices, so that others are answered meanwhile.
    const data = await mapInSlices(vectors, (vector, index) => {
      const embedding = format === "base64" ? toBytes(vector).toString("base64") : [...vector];
      return JSON.stringify({ object: "embedding", index, embedding });
    });
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    reply.type("application/json; charset=utf-8");
    return `{"object":"list","model":${JSON.stringify(model)},"data":[${data.join(",")}],"usage":${JSON.stringify(usage)}}`;
  });
}

/** An estimate by script; the built-in embedder charges nobody by it. */
function tokensOf(text: string, { maxTokens }: Embedder): number {
  return Math.min(maxTokens, estimateText(text));
}
