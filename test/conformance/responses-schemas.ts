import { z } from "zod";

/**
 * The shapes of Open Responses 2026-04-24 that the gateway answers with: resource, items, content, events. Written from the specification's
 * TypeSpec (`schema/*.tsp`), where every field of a resource without `?` must be there.
 */

const integer = z.int();
const details = {
  input: z.looseObject({ cached_tokens: integer, cache_write_tokens: integer }),
  output: z.looseObject({ reasoning_tokens: integer }),
};

const usage = z.looseObject({
  input_tokens: integer,
  output_tokens: integer,
  total_tokens: integer,
  input_tokens_details: details.input,
  output_tokens_details: details.output,
});

const topLogprob = z.looseObject({ token: z.string(), logprob: z.number(), bytes: z.array(integer) });
const logprob = topLogprob.extend({ top_logprobs: z.array(topLogprob) });
const annotation = z.looseObject({
  type: z.literal("url_citation"),
  url: z.string(),
  title: z.string(),
  start_index: integer,
  end_index: integer,
});

/** A part of a message, a summary or a tool's result. */
const part = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("input_text"), text: z.string() }),
  z.looseObject({
    type: z.literal("output_text"),
    text: z.string(),
    annotations: z.array(annotation),
    logprobs: z.array(logprob).optional(),
  }),
  z.looseObject({ type: z.literal("text"), text: z.string() }),
  z.looseObject({ type: z.literal("summary_text"), text: z.string() }),
  z.looseObject({ type: z.literal("reasoning_text"), text: z.string() }),
  z.looseObject({ type: z.literal("refusal"), refusal: z.string() }),
  z.looseObject({ type: z.literal("input_image"), image_url: z.string().nullable() }),
  z.looseObject({ type: z.literal("input_file"), filename: z.string().optional(), file_url: z.string().optional() }),
]);

const status = z.enum(["in_progress", "completed", "incomplete"]);

/** An item of a response's output, or of a compacted conversation. */
export const itemSchema: z.ZodType = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("message"),
    id: z.string().min(1),
    status,
    role: z.enum(["user", "assistant", "system", "developer"]),
    content: z.array(part),
    phase: z.enum(["commentary", "final_answer"]).optional(),
  }),
  z.looseObject({
    type: z.literal("function_call"),
    id: z.string().min(1),
    call_id: z.string().min(1),
    name: z.string(),
    arguments: z.string(),
    status,
  }),
  z.looseObject({
    type: z.literal("function_call_output"),
    id: z.string().min(1),
    call_id: z.string(),
    output: z.union([z.string(), z.array(part)]),
    status,
  }),
  z.looseObject({
    type: z.literal("reasoning"),
    id: z.string().min(1),
    content: z.array(part).optional(),
    summary: z.array(part),
    encrypted_content: z.string().optional(),
  }),
  z.looseObject({ type: z.literal("compaction"), id: z.string().min(1), encrypted_content: z.string() }),
  // Of OpenAI's API, beside the specification.
  z.looseObject({
    type: z.literal("file_search_call"),
    id: z.string().min(1),
    status: z.string(),
    queries: z.array(z.string()),
    results: z.array(z.looseObject({ file_id: z.string(), filename: z.string(), score: z.number() })).nullable(),
  }),
  z.looseObject({
    type: z.literal("custom_tool_call"),
    id: z.string().min(1),
    call_id: z.string().min(1),
    name: z.string(),
    input: z.string(),
  }),
]);

const tool = z.looseObject({ type: z.string() }).refine(
  (one) =>
    one.type !== "function" ||
    z
      .looseObject({
        name: z.string(),
        description: z.string().nullable(),
        parameters: z.record(z.string(), z.unknown()).nullable(),
        strict: z.boolean().nullable(),
      })
      .safeParse(one).success,
  "a function tool has a name, description, parameters and strict",
);

/** The response object: every field that the specification and OpenAI's types require. */
export const responseSchema: z.ZodType<{ id: string; status: string; output: readonly Record<string, unknown>[] }> =
  z.looseObject({
    id: z.string().regex(/^resp_/),
    object: z.literal("response"),
    created_at: integer,
    completed_at: integer.nullable(),
    status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
    incomplete_details: z.looseObject({ reason: z.string() }).nullable(),
    model: z.string(),
    previous_response_id: z.string().nullable(),
    instructions: z.string().nullable(),
    output: z.array(itemSchema) as unknown as z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>,
    error: z.looseObject({ code: z.string().regex(/^(?!model_failed)/), message: z.string() }).nullable(),
    tools: z.array(tool),
    tool_choice: z.union([
      z.enum(["none", "auto", "required"]),
      z.looseObject({ type: z.literal("allowed_tools"), mode: z.string(), tools: z.array(z.looseObject({})) }),
      z.looseObject({ type: z.enum(["function", "custom"]), name: z.string() }),
    ]),
    truncation: z.enum(["auto", "disabled"]),
    parallel_tool_calls: z.boolean(),
    text: z.looseObject({ format: z.looseObject({ type: z.enum(["text", "json_object", "json_schema"]) }) }),
    top_p: z.number(),
    presence_penalty: z.number(),
    frequency_penalty: z.number(),
    top_logprobs: integer,
    temperature: z.number(),
    reasoning: z.looseObject({ effort: z.string().nullable(), summary: z.string().nullable() }).nullable(),
    usage: usage.nullable(),
    user: z.string().nullable(),
    max_output_tokens: integer.nullable(),
    max_tool_calls: integer.nullable(),
    store: z.boolean(),
    background: z.boolean(),
    service_tier: z.string(),
    metadata: z.record(z.string(), z.string()),
    safety_identifier: z.string().nullable(),
    prompt_cache_key: z.string().nullable(),
  });

/** The object of `/v1/responses/compact`. */
export const compactionSchema: z.ZodType<{ output: readonly Record<string, unknown>[] }> = z.looseObject({
  id: z.string(),
  object: z.literal("response.compaction"),
  created_at: integer,
  output: z.array(itemSchema) as unknown as z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>,
  usage,
});

const numbered = { sequence_number: integer };
const inItem = { ...numbered, item_id: z.string().min(1), output_index: integer };
const inContent = { ...inItem, content_index: integer };
const inSummary = { ...inItem, summary_index: integer };
const named = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.looseObject({ type: z.literal(type), ...shape });

/** Any event of a stream. */
export const eventSchema: z.ZodType<{ type: string; sequence_number: number } & Record<string, unknown>> =
  z.discriminatedUnion("type", [
    ...(["created", "queued", "in_progress", "completed", "failed", "incomplete"] as const).map((word) =>
      named(`response.${word}`, { ...numbered, response: responseSchema }),
    ),
    ...(["added", "done"] as const).flatMap((word) => [
      named(`response.output_item.${word}`, { ...numbered, output_index: integer, item: itemSchema }),
      named(`response.content_part.${word}`, { ...inContent, part }),
      named(`response.reasoning_summary_part.${word}`, { ...inSummary, part }),
    ]),
    named("response.output_text.delta", { ...inContent, delta: z.string(), logprobs: z.array(logprob).optional() }),
    named("response.output_text.done", { ...inContent, text: z.string(), logprobs: z.array(logprob).optional() }),
    named("response.output_text.annotation.added", { ...inContent, annotation_index: integer, annotation }),
    named("response.refusal.delta", { ...inContent, delta: z.string() }),
    named("response.refusal.done", { ...inContent, refusal: z.string() }),
    named("response.reasoning_summary_text.delta", { ...inSummary, delta: z.string() }),
    named("response.reasoning_summary_text.done", { ...inSummary, text: z.string() }),
    named("response.function_call_arguments.delta", { ...inItem, delta: z.string() }),
    named("response.function_call_arguments.done", { ...inItem, arguments: z.string() }),
    named("error", {
      ...numbered,
      error: z.looseObject({
        type: z.string(),
        code: z.string().nullable(),
        message: z.string(),
        param: z.string().nullable(),
      }),
    }),
    // Of OpenAI's API, beside the specification.
    named("response.custom_tool_call_input.delta", { ...inItem, delta: z.string() }),
    named("response.custom_tool_call_input.done", { ...inItem, input: z.string() }),
    ...(["in_progress", "searching", "completed"] as const).map((word) =>
      named(`response.file_search_call.${word}`, { ...inItem }),
    ),
  ] as never);

/** What a client needs of a sequence of events beside their shapes; answers what is wrong with one. */
export function faultsOf(
  events: readonly ({ type: string; sequence_number: number } & Record<string, unknown>)[],
): string[] {
  const faults: string[] = [];
  const types = events.map(({ type }) => type);
  events.forEach(({ sequence_number: number }, at) => {
    if (number !== at) faults.push(`event ${at} has number ${number}`);
  });
  if (types[0] !== "response.created" || types[1] !== "response.in_progress")
    faults.push(`begins with ${String(types[0])}, ${String(types[1])}`);
  if (!/^response\.(completed|incomplete|failed)$/.test(types.at(-1) ?? "")) faults.push(`ends with ${types.at(-1)}`);
  const open = new Map<string, { closed: boolean; parts: number; grown: Map<string, string> }>();
  for (const event of events) {
    const item = event["item"] as { id: string } | undefined;
    const id = item?.id ?? (event["item_id"] as string | undefined);
    if (id === undefined) continue;
    if (event.type === "response.output_item.added") {
      if (open.has(id)) faults.push(`${id} is added twice`);
      if (event["output_index"] !== open.size) faults.push(`${id} has output_index ${String(event["output_index"])}`);
      open.set(id, { closed: false, parts: 0, grown: new Map() });
      continue;
    }
    const state = open.get(id);
    if (state === undefined || state.closed) {
      faults.push(`${event.type} of ${id}, which is not open`);
      continue;
    }
    if (event.type === "response.output_item.done") state.closed = true;
    if (event.type.endsWith("part.added")) state.parts += 1;
    if (/(output_text|refusal|summary_text)\.delta$/.test(event.type) && state.parts === 0)
      faults.push(`${event.type} before its part`);
    const [, stream, end] = /^response\.(.+)\.(delta|done)$/.exec(event.type) ?? [];
    if (stream === undefined || /item|part/.test(stream)) continue;
    if (end === "delta") state.grown.set(stream, (state.grown.get(stream) ?? "") + String(event["delta"]));
    const whole = event["text"] ?? event["refusal"] ?? event["arguments"] ?? event["input"];
    if (end === "done" && (state.grown.get(stream) ?? "") !== whole)
      faults.push(`the deltas of ${stream} are not its text`);
  }
  for (const [id, { closed }] of open) if (!closed) faults.push(`${id} is never done`);
  return faults;
}
