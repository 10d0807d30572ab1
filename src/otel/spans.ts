import { SpanKind, type Attributes } from "@opentelemetry/api";
import type { Act, Carrier, Signals } from "../internal/signals.ts";
import { NAMES, OPERATIONS, providerOf } from "./names.ts";

/** What a span is made of. */
export interface SpanOf {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** What carries the trace that it goes on with; absent: the current one. */
  readonly parent?: Carrier | undefined;
  /** Where the trace is carried on to. */
  readonly headers?: Carrier | undefined;
}

/** A signal once its act settled. */
export type Settled<A extends Act> = Signals[A] & { readonly result?: unknown; readonly error?: unknown };

/** How the signals of an act become spans. */
export interface SpanRule<A extends Act> {
  /** What is known when it begins. `content`: prompts and answers may be told. */
  readonly begin: (signal: Signals[A], content: boolean) => SpanOf;
  /** What is known when it settled. */
  readonly end?: (signal: Settled<A>, content: boolean) => Attributes;
}

const stage =
  (name: string) =>
  ({ tier }: Signals["flow:find"]): SpanOf => ({
    name,
    kind: SpanKind.INTERNAL,
    attributes: tier === undefined ? {} : { [NAMES.tier]: tier },
  });

const tool = ({ tool: name }: Signals["cache:tool"]): SpanOf => ({
  name: `${OPERATIONS.tool} ${name}`,
  kind: SpanKind.INTERNAL,
  attributes: { [NAMES.operation]: OPERATIONS.tool, [NAMES.tool]: name },
});

/** Each act that has spans, and how. */
export const RULES: { readonly [A in Act]?: SpanRule<A> } = {
  "gateway:request": {
    begin: ({ method, route, requestId, traceparent }) => ({
      name: `${method} ${route}`,
      kind: SpanKind.SERVER,
      attributes: { [NAMES.method]: method, [NAMES.route]: route, [NAMES.requestId]: requestId },
      parent: traceparent === undefined ? undefined : { traceparent },
    }),
    end: ({ status, scope }) => ({ [NAMES.status]: status, [NAMES.scope]: scope }),
  },
  "gateway:tool": { begin: tool },
  "cache:tool": { begin: tool },
  "flow:request": {
    begin: ({ model, conversation, request }, content) => ({
      name: `${OPERATIONS.chat} ${model}`,
      kind: SpanKind.INTERNAL,
      attributes: {
        [NAMES.operation]: OPERATIONS.chat,
        [NAMES.model]: model,
        [NAMES.conversation]: conversation,
        ...(content && { [NAMES.inputMessages]: JSON.stringify((request as { messages?: unknown }).messages) }),
      },
    }),
    end: ({ result }, content) => {
      const { provenance, text } = (result ?? {}) as { provenance?: { cache?: string }; text?: string };
      return { [NAMES.cache]: provenance?.cache, ...(content && { [NAMES.outputMessages]: text }) };
    },
  },
  "flow:admit": { begin: stage("admit") },
  "flow:remember": { begin: stage("remember") },
  "flow:find": { begin: stage("find") },
  "flow:ask": { begin: stage("ask") },
  "flow:finish": {
    begin: stage("finish"),
    end: ({ usage }) => ({ [NAMES.inputTokens]: usage?.promptTokens, [NAMES.outputTokens]: usage?.completionTokens }),
  },
  "models:attempt": {
    begin: ({ upstream, host, model, headers }) => ({
      name: `${OPERATIONS.chat} ${model}`,
      kind: SpanKind.CLIENT,
      attributes: {
        [NAMES.operation]: OPERATIONS.chat,
        [NAMES.provider]: providerOf(host, upstream),
        [NAMES.model]: model,
        [NAMES.address]: host,
      },
      headers,
    }),
    end: ({ status }) => ({ [NAMES.status]: status }),
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
    end: ({ result }) => ({
      [NAMES.message]: typeof result === "string" ? result : undefined,
      [NAMES.batch]: Array.isArray(result) ? result.length : undefined,
    }),
  },
  "queue:job": {
    begin: ({ queue, scope, id, carrier }) => ({
      name: `process ${queue}`,
      kind: SpanKind.CONSUMER,
      attributes: {
        [NAMES.messaging]: "marrow",
        [NAMES.destination]: queue,
        [NAMES.scope]: scope,
        [NAMES.message]: id,
      },
      parent: carrier,
    }),
  },
  "queue:webhook": {
    begin: ({ event, job, headers, carrier }) => ({
      name: "POST webhook",
      kind: SpanKind.CLIENT,
      attributes: { [NAMES.event]: event, [NAMES.message]: job },
      headers,
      parent: carrier,
    }),
    end: ({ result }) => ({ [NAMES.status]: (result as { status?: number } | undefined)?.status }),
  },
  "bus:message": {
    begin: ({ kind, id, to, carrier }) => ({
      name: `process ${kind}`,
      kind: SpanKind.CONSUMER,
      attributes: { [NAMES.messaging]: "marrow", [NAMES.destination]: to, [NAMES.message]: id },
      parent: carrier,
    }),
  },
};
