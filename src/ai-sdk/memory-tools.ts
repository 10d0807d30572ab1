import { jsonSchema, tool, type Tool } from "ai";
import { checkInteger, refuse } from "../internal/check.ts";
import type { FactKind, Facts } from "../memory/index.ts";

interface RememberInput {
  readonly text: string;
  readonly kind?: FactKind;
  readonly key?: string;
}
interface RecallInput {
  readonly about: string;
  readonly limit?: number;
}
interface ForgetInput {
  readonly ids: readonly string[];
}
/** A fact as a model reads it. */
interface RecalledFact {
  readonly id: string;
  readonly text: string;
  readonly kind: FactKind;
}

interface Memories {
  readonly memories: readonly RecalledFact[];
}

/** Tools through which a model uses a user's long-term memory. */
export interface MemoryTools {
  readonly remember: Tool<RememberInput, { readonly id: string; readonly status: "new" | "known" | "superseding" }>;
  readonly recall: Tool<RecallInput, Memories>;
  readonly forget: Tool<ForgetInput, { readonly forgotten: number }>;
}

/** Bounds on one call; models may ignore schemas, so they are checked too. */
const RECALLED_MAX = 50;
const FORGOTTEN_MAX = 100;
const KINDS: readonly FactKind[] = ["semantic", "episodic", "preference", "procedure"];

/**
 * Makes tools of the AI SDK for a user's facts: `generateText({ model, tools: memoryTools(memory.facts(user)) })`.
 *
 * They only access that user's facts, whatever the model writes. Facts that a model remembers count as `derived`, never as the user's, and
 * less trusted ones are not recalled. Leave out tools that the model should not have: `const { recall } = memoryTools(facts)`.
 */
export function memoryTools(facts: Facts): MemoryTools {
  return {
    remember: tool({
      description: "Remember something about the user for later conversations. The same thing is remembered once.",
      inputSchema: jsonSchema<RememberInput>({
        type: "object",
        properties: {
          text: { type: "string", minLength: 1, maxLength: 4_000, description: "What to remember, as one sentence" },
          kind: { type: "string", enum: [...KINDS] },
          key: {
            type: "string",
            minLength: 1,
            maxLength: 256,
            description: "Topic that has one answer at a time, such as the home city; replaces the previous answer",
          },
        },
        required: ["text"],
        additionalProperties: false,
      }),
      execute: async ({ text, kind, key }) => {
        const { status, fact } = await facts.remember({ text, kind, key, source: { role: "assistant" } });
        return { id: fact.id, status };
      },
    }),
    recall: tool({
      description: "Recall facts about the user that are relevant to a text, most relevant first.",
      inputSchema: jsonSchema<RecallInput>({
        type: "object",
        properties: {
          about: { type: "string", minLength: 1, maxLength: 10_000 },
          limit: { type: "integer", minimum: 1, maximum: RECALLED_MAX },
        },
        required: ["about"],
        additionalProperties: false,
      }),
      execute: async ({ about, limit }, { abortSignal: signal }): Promise<Memories> => {
        if (limit !== undefined) checkInteger("limit", limit, { min: 1, max: RECALLED_MAX }, "invalid_input");
        const found = await facts.recall(about, { limit, signal });
        return { memories: found.map(({ id, text, kind }) => ({ id, text, kind })) };
      },
    }),
    forget: tool({
      description: "Forget memories by their ids.",
      inputSchema: jsonSchema<ForgetInput>({
        type: "object",
        properties: {
          ids: {
            type: "array",
            items: { type: "string", minLength: 1, maxLength: 64 },
            minItems: 1,
            maxItems: FORGOTTEN_MAX,
          },
        },
        required: ["ids"],
        additionalProperties: false,
      }),
      execute: async ({ ids }) => {
        if (!Array.isArray(ids) || ids.length > FORGOTTEN_MAX)
          refuse("ids", `a list of at most ${FORGOTTEN_MAX} ids`, ids, "invalid_input");
        return { forgotten: await facts.forget(ids) };
      },
    }),
  };
}
