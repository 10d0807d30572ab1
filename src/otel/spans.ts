import { SpanKind, type Attributes, type Span } from "@opentelemetry/api";
import type { Act, Carrier, Signals } from "../internal/signals.ts";
import { NAMES, OPERATIONS, providerOf } from "./names.ts";

/** Name, kind and attributes of a span. */
export interface SpanOf {
  readonly name: string;
  readonly kind: SpanKind;
  /** Attributes that are known at the start. */
  readonly attributes?: Attributes;
}

/** Conversion of an act's signals to spans. */
export interface SpanRule<A extends Act> {
  /** Returns the trace context of the parent. @default the current one */
  readonly parent?: (signal: Signals[A]) => Carrier | undefined;
  /** Returns the headers that receive the trace context. */
  readonly headers?: (signal: Signals[A]) => Carrier;
  /** Returns the span's values at its start; not called for spans that are left out. */
  readonly begin: (signal: Signals[A]) => SpanOf;
  /** Adds values to a recorded span at its end. `content`: whether prompts and answers may be included. */
  readonly end?: (span: Span, signal: Signals[A], content: boolean, result: unknown) => void;
}

/** Makes the span of a request's stage, once, because most requests have each. */
const stage = (name: string): (() => SpanOf) => {
  const of: SpanOf = { name, kind: SpanKind.INTERNAL };
  return () => of;
};

const find = (tier: "exact" | "similar"): SpanOf => {
  return { name: "find", kind: SpanKind.INTERNAL, attributes: { [NAMES.tier]: tier } };
};
const FINDS = { exact: find("exact"), similar: find("similar") } as const;

const tool = ({ tool: name }: Signals["cache:tool"]): SpanOf => ({
  name: `${OPERATIONS.tool} ${name}`,
  kind: SpanKind.INTERNAL,
  attributes: { [NAMES.operation]: OPERATIONS.tool, [NAMES.tool]: name },
});

/** Acts with spans, and how each becomes a span. */
export const RULES: { readonly [A in Act]?: SpanRule<A> } = {
  "gateway:request": {
    parent: ({ traceparent }) => (traceparent === undefined ? undefined : { traceparent }),
    begin: ({ method, route }) => ({
      name: `${method} ${route}`,
      kind: SpanKind.SERVER,
      attributes: { [NAMES.method]: method, [NAMES.route]: route },
    }),
    end(span, { status, scope, requestId }) {
      span.setAttribute(NAMES.requestId, requestId);
      set(span, NAMES.status, status);
      set(span, NAMES.scope, scope);
    },
  },
  "gateway:tool": { begin: tool },
  "cache:tool": { begin: tool },
  "flow:request": {
    begin: ({ model }) => ({
      name: `${OPERATIONS.chat} ${model}`,
      kind: SpanKind.INTERNAL,
      attributes: { [NAMES.operation]: OPERATIONS.chat, [NAMES.model]: model },
    }),
    end(span, { conversation, request }, content, result) {
      const { provenance, text } = (result ?? {}) as { provenance?: { cache?: string }; text?: string };
      set(span, NAMES.conversation, conversation);
      set(span, NAMES.cache, provenance?.cache);
      if (!content) return;
      set(span, NAMES.inputMessages, JSON.stringify((request as { messages?: unknown }).messages));
      set(span, NAMES.outputMessages, text);
    },
  },
  "flow:admit": { begin: stage("admit") },
  "flow:remember": { begin: stage("remember") },
  "flow:find": { begin: ({ tier = "exact" }) => FINDS[tier] },
  "flow:ask": { begin: stage("ask") },
  "flow:finish": {
    begin: stage("finish"),
    end(span, { usage }) {
      set(span, NAMES.inputTokens, usage?.promptTokens);
      set(span, NAMES.outputTokens, usage?.completionTokens);
    },
  },
  "models:attempt": {
    headers: ({ headers }) => headers,
    begin: ({ upstream, host, model }) => ({
      name: `${OPERATIONS.chat} ${model}`,
      kind: SpanKind.CLIENT,
      attributes: {
        [NAMES.operation]: OPERATIONS.chat,
        [NAMES.provider]: providerOf(host, upstream),
        [NAMES.model]: model,
        [NAMES.address]: host,
      },
    }),
    end: (span, { status }) => set(span, NAMES.status, status),
  },
  "redis:command": {
    begin: ({ command, script }) => ({
      name: script ?? command,
      kind: SpanKind.CLIENT,
      attributes: { [NAMES.database]: "redis", [NAMES.command]: command, [NAMES.script]: script },
    }),
  },
  "queue:push": {
    begin: ({ queue, scope }) => ({
      name: `push ${queue}`,
      kind: SpanKind.PRODUCER,
      attributes: { [NAMES.messaging]: "marrow", [NAMES.destination]: queue, [NAMES.scope]: scope },
    }),
    end(span, _, __, result) {
      if (typeof result === "string") span.setAttribute(NAMES.message, result);
      else if (Array.isArray(result)) span.setAttribute(NAMES.batch, result.length);
    },
  },
  "queue:job": {
    parent: ({ carrier }) => carrier,
    begin: ({ queue, scope, id }) => ({
      name: `process ${queue}`,
      kind: SpanKind.CONSUMER,
      attributes: {
        [NAMES.messaging]: "marrow",
        [NAMES.destination]: queue,
        [NAMES.scope]: scope,
        [NAMES.message]: id,
      },
    }),
  },
  "queue:webhook": {
    parent: ({ carrier }) => carrier,
    headers: ({ headers }) => headers,
    begin: ({ event, job }) => ({
      name: "POST webhook",
      kind: SpanKind.CLIENT,
      attributes: { [NAMES.event]: event, [NAMES.message]: job },
    }),
    end: (span, _, __, result) => set(span, NAMES.status, (result as { status?: number } | undefined)?.status),
  },
  "bus:message": {
    parent: ({ carrier }) => carrier,
    begin: ({ kind, id, to }) => ({
      name: `process ${kind}`,
      kind: SpanKind.CONSUMER,
      attributes: { [NAMES.messaging]: "marrow", [NAMES.destination]: to, [NAMES.message]: id },
    }),
  },
};

function set(span: Span, name: string, value: string | number | undefined): void {
  if (value !== undefined) span.setAttribute(name, value);
}
