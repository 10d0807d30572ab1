import type { ChatChunk, ChatCompletion, Usage } from "../../models/index.ts";
import type { Fields, Item, ResponseBody, ResponseEvent } from "./shape.ts";

/** Makes a response out of a chat completion, event by event. */
export interface Assembler {
  /** The events that a stream begins with. */
  begin(): readonly ResponseEvent[];
  /** The events that a chunk makes. */
  add(chunk: ChatChunk): readonly ResponseEvent[];
  /** The events that close what is open. */
  close(): readonly ResponseEvent[];
  /** The response as it is; whole once it was closed. */
  response(state?: "cancelled"): ResponseBody;
}

interface Open {
  readonly index: number;
  item: Item;
  done: boolean;
}

/** Begins a response that the shell describes. */
export function createAssembler(shell: ResponseBody): Assembler {
  const output: Open[] = [];
  const calls = new Map<number, Open>();
  const suffix = shell.id.slice(5, 45);
  let message: Open | undefined;
  let finish: string | null = null;
  let usage: Usage | null | undefined;
  const running = { ...shell, status: "in_progress" as const };

  function open(item: Fields, prefix: string): Open {
    const index = output.length;
    const one: Open = { index, item: { ...item, id: `${prefix}_${suffix}o${index}` } as unknown as Item, done: false };
    output.push(one);
    return one;
  }

  const added = ({ index, item }: Open): ResponseEvent => ({
    type: "response.output_item.added",
    output_index: index,
    item: { ...item },
  });
  const at = ({ index, item }: Open, content = true): Fields => ({
    item_id: item.id,
    output_index: index,
    ...(content && { content_index: 0 }),
  });

  function say(kind: "output_text" | "refusal", piece: string): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const name = kind === "refusal" ? "refusal" : "text";
    if (message !== undefined && partOf(message)["type"] !== kind) events.push(...closeMessage());
    if (message === undefined) {
      const part =
        kind === "refusal" ? { type: kind, refusal: "" } : { type: kind, text: "", annotations: [], logprobs: [] };
      message = open({ type: "message", status: "in_progress", role: "assistant", content: [] }, "msg");
      events.push(added(message), { type: "response.content_part.added", ...at(message), part });
      message.item = { ...message.item, content: [part] };
    }
    const part = partOf(message);
    message.item = { ...message.item, content: [{ ...part, [name]: String(part[name]) + piece }] };
    const logprobs = kind === "refusal" ? {} : { logprobs: [] };
    events.push({ type: `response.${kind}.delta`, ...at(message), delta: piece, ...logprobs });
    return events;
  }

  function call(delta: Fields, index: number): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const named = (delta["function"] ?? {}) as { readonly name?: unknown; readonly arguments?: unknown };
    let one = calls.get(index);
    if (one === undefined) {
      events.push(...closeMessage());
      const fields = {
        type: "function_call",
        status: "in_progress",
        arguments: "",
        call_id: delta["id"] ?? "",
        name: named.name ?? "",
      };
      one = open(fields, "fc");
      calls.set(index, one);
      events.push(added(one));
    }
    if (typeof named.arguments === "string" && named.arguments !== "") {
      one.item = { ...one.item, arguments: String(one.item["arguments"]) + named.arguments };
      events.push({ type: "response.function_call_arguments.delta", ...at(one, false), delta: named.arguments });
    }
    return events;
  }

  function closeMessage(): readonly ResponseEvent[] {
    if (message === undefined) return [];
    const one = message;
    message = undefined;
    const part = partOf(one);
    const kind = String(part["type"]);
    const name = kind === "refusal" ? "refusal" : "text";
    const logprobs = kind === "refusal" ? {} : { logprobs: [] };
    return [
      { type: `response.${kind}.done`, ...at(one), [name]: part[name], ...logprobs },
      { type: "response.content_part.done", ...at(one), part },
      done(one),
    ];
  }

  function done(one: Open): ResponseEvent {
    one.done = true;
    one.item = { ...one.item, status: statusOf(finish) === "completed" ? "completed" : "incomplete" };
    return { type: "response.output_item.done", output_index: one.index, item: one.item };
  }

  return {
    begin: () => [
      { type: "response.created", response: running },
      { type: "response.in_progress", response: running },
    ],

    add(chunk) {
      usage = chunk.usage ?? usage;
      const events: ResponseEvent[] = [];
      for (const { index = 0, delta, finish_reason: reason } of chunk.choices ?? []) {
        if (index !== 0) continue;
        if (typeof reason === "string") finish = reason;
        const { content, refusal, tool_calls: made } = delta ?? {};
        if (typeof content === "string" && content !== "") events.push(...say("output_text", content));
        if (typeof refusal === "string" && refusal !== "") events.push(...say("refusal", refusal));
        for (const [place, one] of (Array.isArray(made) ? (made as Fields[]) : []).entries())
          events.push(...call(one, typeof one["index"] === "number" ? one["index"] : place));
      }
      return events;
    },

    close() {
      const events = [...closeMessage()];
      for (const one of calls.values()) {
        if (one.done) continue;
        events.push(
          {
            type: "response.function_call_arguments.done",
            ...at(one, false),
            name: one.item["name"],
            arguments: one.item["arguments"],
          },
          done(one),
        );
      }
      return events;
    },

    response(state) {
      const status = state ?? statusOf(finish);
      return {
        ...shell,
        status,
        incomplete_details:
          status === "incomplete" ? { reason: finish === "content_filter" ? finish : "max_output_tokens" } : null,
        output: output.map(({ item }) => item),
        usage: usage == null ? null : toUsage(usage),
        ...(status !== "cancelled" && { completed_at: Math.floor(Date.now() / 1000) }),
      };
    },
  };
}

/** A whole completion as the one chunk that says it all. */
export function toChunk({ choices, usage }: ChatCompletion): ChatChunk {
  return {
    choices: choices.map(({ index, message, finish_reason: reason }) => ({
      index,
      delta: message,
      finish_reason: reason,
    })),
    ...(usage != null && { usage }),
  };
}

function partOf({ item }: Open): Fields {
  return (item["content"] as readonly Fields[])[0] ?? {};
}

function statusOf(finish: string | null): "completed" | "incomplete" {
  return finish === "length" || finish === "content_filter" ? "incomplete" : "completed";
}

function toUsage(usage: Usage): Fields {
  const details = (name: string) => (usage[name] ?? {}) as Fields;
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: details("prompt_tokens_details")["cached_tokens"] ?? 0 },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: details("completion_tokens_details")["reasoning_tokens"] ?? 0 },
    total_tokens: usage.total_tokens,
  };
}
