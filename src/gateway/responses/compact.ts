import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { CACHE_CONTROL_DEFAULT, type ChatOutcome } from "../../flow/index.ts";
import { readCompletion } from "../../models/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import { askFlow, historyOf, type AskParts } from "./ask.ts";
import { createAssembler, toChunk } from "./assemble.ts";
import { applyRows, inert, isFalse, refuse, send, type FieldRow } from "../../internal/field-rows.ts";
import { COMPACT_INSTRUCTIONS, sealSummary } from "./compaction.ts";
import { toCompleteItem } from "../openai/shown-items.ts";
import { toInputItems, toItemId } from "./input.ts";
import { newResponseId, responseBody, type ResponseRequest } from "./request.ts";
import { resolveReferences } from "./resolve.ts";
import type { Fields } from "../../internal/fields.ts";
import type { Item } from "./shape.ts";
import { toShell } from "./shell.ts";
import { refused } from "./translation.ts";

/** Schema of a request to compact a conversation: a response's fields with content. */
export const compactBody: z.ZodType<ResponseRequest> = responseBody;

/** Result of compacting: the object, or a limit's refusal. */
export type Compacted =
  | {
      readonly kind: "done";
      readonly body: Fields;
      readonly provenance: Extract<ChatOutcome, { kind: "whole" }>["provenance"];
    }
  | Extract<ChatOutcome, { kind: "refused" }>;

/**
 * Compacts a conversation: the user's messages stay, and everything else becomes one `compaction` item with a summary by the named model.
 * The output replaces the conversation as input of the next request. One call of the model, with the request's own fields except those of
 * tools; nothing is stored.
 * @throws MarrowError as a response does
 */
export async function compact(parts: AskParts, asker: Asker, request: ResponseRequest): Promise<Compacted> {
  const asked = toSummaryFields(request);
  const id = newResponseId();
  const input = await resolveReferences(parts, asker, request, { id, items: toInputItems(request, id) });
  const history = await historyOf(parts, asker, request, undefined);
  if (history.length + input.length === 0)
    throw new MarrowError("invalid_input", "input or previous_response_id must be given", {
      details: { path: "input" },
    });
  const wish: Item = {
    id: toItemId("message", id, "i", input.length),
    type: "message",
    role: "user",
    content: [{ type: "input_text", text: COMPACT_INSTRUCTIONS }],
  };
  const { outcome } = await askFlow(
    parts,
    asker,
    {
      request: asked,
      input: [...input, wish],
      stream: false,
    },
    { control: { ...CACHE_CONTROL_DEFAULT, noCache: true, noStore: true } },
  );
  if (outcome.kind === "refused") return outcome;
  if (outcome.kind !== "whole") throw new MarrowError("internal", "a whole answer was asked for");
  const completion = await readCompletion(outcome.pieces ?? outcome.text);
  const assembler = createAssembler(toShell(asked, id, Date.now()));
  assembler.add(toChunk(completion));
  assembler.close();
  const { usage } = assembler.response();
  const summary = completion.choices[0]?.message.content;
  if (typeof summary !== "string" || summary.trim() === "")
    throw new MarrowError("model_failed", "the model wrote no summary", { details: { status: 502 } });
  const said = [...history, ...input].filter(({ type, role }: Fields) => type === "message" && role === "user");
  const output = [...said, { type: "compaction", encrypted_content: sealSummary(summary) }].map((item, at) => ({
    ...toCompleteItem(item as Item),
    id: toItemId(item.type, id, "o", at),
    ...(item.type === "message" && { status: "completed" }),
  }));
  return {
    kind: "done",
    provenance: outcome.provenance,
    body: {
      id: `cmpr_${randomBytes(24).toString("hex")}`,
      object: "response.compaction",
      created_at: Math.floor(Date.now() / 1000),
      output,
      usage: usage ?? NO_USAGE,
    },
  };
}

/** Conversion of fields that only a response has: the summary needs no tools, and is neither stored nor streamed. */
const FIELDS: ReadonlyMap<string, FieldRow> = new Map([
  ...["input", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "include", "store"].map(
    (name) => [name, inert] as const,
  ),
  ["stream", refuse(isFalse)],
  ["background", refuse(isFalse)],
  ["conversation", refuse()],
  ["text", send("text", toSummaryText)],
]);

/** Returns the fields of the summary's request. @throws MarrowError `invalid_input` for an unsupported one */
function toSummaryFields(request: ResponseRequest): ResponseRequest {
  const fields = applyRows(FIELDS, request, send, (name) => refused(name, "this field", ""));
  return { ...fields, model: request.model };
}

/** Checks `text`: a summary may have a length, but no other format. */
function toSummaryText(text: Fields, path: string): Fields {
  const { format, ...others } = text;
  if ((format ?? undefined) !== undefined && (format as Fields)["type"] !== "text")
    throw refused(`${path}.format`, "another format than text", "");
  return others;
}

/** Usage for endpoints that report none, because the field is required. */
const NO_USAGE: Fields = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};
