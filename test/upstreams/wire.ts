/** Events as a stream of an endpoint has them: `event` and `data`, as Anthropic's and OpenAI's Responses API send them. */
export function toWire(events: readonly object[]): string {
  return events
    .map((event) => `event: ${(event as { type?: string }).type ?? "message"}\ndata: ${JSON.stringify(event)}\n\n`)
    .join("");
}

/** A message of Anthropic's API. */
export function messageOf(content: readonly object[], more: object = {}): object {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-test",
    content,
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
    ...more,
  };
}

/** The events of a message in Anthropic's API, each block in pieces of a few characters. */
export function messageEvents(content: readonly object[], more: Record<string, unknown> = {}): object[] {
  const { stop_reason: reason = "end_turn", stop_sequence: sequence = null, usage } = more;
  const blocks = (content as readonly Record<string, unknown>[]).flatMap((block, index) => {
    const { type, text, thinking, signature, input } = block;
    const delta = (fields: object) => ({ type: "content_block_delta", index, delta: fields });
    const pieces = (said: string) => said.match(/[\s\S]{1,5}/g) ?? [];
    const empty =
      type === "text"
        ? { type, text: "" }
        : type === "thinking"
          ? { type, thinking: "", signature: "" }
          : type === "tool_use"
            ? { ...block, input: {} }
            : block;
    return [
      { type: "content_block_start", index, content_block: empty },
      { type: "ping" },
      ...(type === "text" ? pieces(String(text)).map((piece) => delta({ type: "text_delta", text: piece })) : []),
      ...((block["citations"] ?? []) as object[]).map((citation) => delta({ type: "citations_delta", citation })),
      ...(type === "thinking"
        ? [
            ...pieces(String(thinking)).map((piece) => delta({ type: "thinking_delta", thinking: piece })),
            delta({ type: "signature_delta", signature }),
          ]
        : []),
      ...(type === "tool_use"
        ? pieces(JSON.stringify(input)).map((piece) => delta({ type: "input_json_delta", partial_json: piece }))
        : []),
      { type: "content_block_stop", index },
    ];
  });
  return [
    {
      type: "message_start",
      message: messageOf([], {
        stop_reason: null,
        usage: { input_tokens: 10, output_tokens: 1, ...(usage as object) },
      }),
    },
    { type: "ping" },
    ...blocks,
    { type: "message_delta", delta: { stop_reason: reason, stop_sequence: sequence }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  ];
}

/** A response of OpenAI's API. */
export function responseOf(output: readonly object[], more: object = {}): object {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1_700_000_000,
    model: "gpt-test",
    status: "completed",
    error: null,
    incomplete_details: null,
    output,
    usage: {
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 15,
    },
    ...more,
  };
}

/** The events of a response, each text in pieces of a few characters. */
export function responseEvents(output: readonly object[], more: object = {}): object[] {
  const pieces = (said: unknown) => String(said).match(/[\s\S]{1,5}/g) ?? [];
  const whole = responseOf(output, more) as { status: string };
  const items = (output as readonly Record<string, unknown>[]).flatMap((item, output_index) => {
    const at = { output_index, item_id: item["id"] };
    const grown: object[] = [];
    for (const [content_index, part] of ((item["content"] ?? []) as Record<string, unknown>[]).entries()) {
      if (item["type"] !== "message") continue;
      const isText = part["type"] === "output_text";
      if (!isText && part["type"] !== "refusal") continue;
      const [name, said] = isText ? ["output_text", part["text"]] : ["refusal", part["refusal"]];
      grown.push({ type: "response.content_part.added", ...at, content_index, part: {} });
      for (const delta of pieces(said)) grown.push({ type: `response.${name}.delta`, ...at, content_index, delta });
      for (const annotation of (part["annotations"] ?? []) as object[])
        grown.push({ type: "response.output_text.annotation.added", ...at, content_index, annotation });
      grown.push({ type: `response.${name}.done`, ...at, content_index, [isText ? "text" : "refusal"]: said });
    }
    for (const [summary_index, { text }] of ((item["summary"] ?? []) as { text: string }[]).entries()) {
      for (const delta of pieces(text))
        grown.push({ type: "response.reasoning_summary_text.delta", ...at, summary_index, delta });
      grown.push({ type: "response.reasoning_summary_text.done", ...at, summary_index, text });
    }
    for (const [field, name] of [
      ["arguments", "function_call_arguments"],
      ["input", "custom_tool_call_input"],
    ] as const) {
      if (typeof item[field] !== "string") continue;
      for (const delta of pieces(item[field])) grown.push({ type: `response.${name}.delta`, ...at, delta });
      grown.push({ type: `response.${name}.done`, ...at, [field]: item[field] });
    }
    const empty = { ...item, content: [], summary: [], ...(item["arguments"] !== undefined && { arguments: "" }) };
    return [
      { type: "response.output_item.added", output_index, item: empty },
      ...grown,
      { type: "response.output_item.done", output_index, item },
    ];
  });
  return [
    { type: "response.created", response: { ...whole, status: "in_progress", output: [], usage: null } },
    { type: "response.in_progress", response: { ...whole, status: "in_progress", output: [], usage: null } },
    ...items,
    { type: `response.${whole.status}`, response: whole },
  ];
}
