import { z } from "zod";
import { shown } from "./config-fields.ts";

/** The gateway's embedder. */
export type EmbedderConfig =
  | { readonly kind: "static" }
  | { readonly kind: "minilm"; readonly directory: string; readonly file?: string | undefined }
  | {
      readonly kind: "openai";
      readonly baseUrl: string;
      readonly apiKey?: string | undefined;
      readonly model: string;
      readonly dimensions: number;
    };

/** Schema of `embedder`. */
export const embedderSchema: z.ZodType<EmbedderConfig, EmbedderConfig | undefined> = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("static") }),
    z.strictObject({
      kind: z.literal("minilm"),
      directory: shown(z.string().min(1)),
      file: shown(z.string().min(1)).optional(),
    }),
    z.strictObject({
      kind: z.literal("openai"),
      baseUrl: z.url({ protocol: /^https?$/ }),
      apiKey: z.string().min(1).optional(),
      model: shown(z.string().min(1)),
      dimensions: z.int().min(1).max(65_536),
    }),
  ])
  .default({ kind: "static" });
