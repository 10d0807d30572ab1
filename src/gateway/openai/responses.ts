import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { parseCacheControl, type ChatCall } from "../../flow/index.ts";
import { toEvent } from "../../models/index.ts";
import { askerOf, reachOf } from "../tenancy/asker.ts";
import { refuseCall, tellAbsent, toHeaders } from "../models/asking.ts";
import type { GatewayConfig } from "../config/config.ts";
import { isLarge, jsonBytesInTurns } from "../../internal/json-pieces.ts";
import { askAlive, keepAlive } from "../http/alive.ts";
import { toErrorAnswer } from "../http/error-body.ts";
import { sendEvents } from "../http/event-stream.ts";
import { deadlineOf } from "../http/deadline.ts";
import { requestKeyOf } from "../http/idempotency.ts";
import { header, sessionHeader } from "../tenancy/identity.ts";
import { openStoredDeparture } from "../http/outlet.ts";
import { sendLarge } from "../http/large-answer.ts";
import { including, pageQuery, toListBody, toItemPage, unsealed, wantsPictures, wantsSealed } from "./pages.ts";
import { tellKept } from "../tenancy/keeping.ts";
import { ownKey } from "../tenancy/ownership.ts";
import type { GatewayApp } from "../parts.ts";
import { checkAnswered } from "../responses/answered-calls.ts";
import { createPartsReader, StoredEvent } from "../responses/event-parts.ts";
import { toInputItems } from "../responses/input.ts";
import { toCompleteItem } from "./shown-items.ts";
import { newResponseId, responseBody, toChatRequest, type ResponseRequest } from "../responses/request.ts";
import { resolveReferences, withPictures } from "../responses/resolve.ts";
import { noPrevious } from "../responses/responses.ts";
import {
  firstEvents,
  lastEvent,
  outputOf,
  type Item,
  type ResponseBody,
  type ResponseEvent,
} from "../responses/shape.ts";
import { toChatFields } from "../responses/translation.ts";
import { toShell } from "../responses/shell.ts";
import { beginTurn, checkKept } from "../responses/turn.ts";

interface Named {
  Params: { readonly id: string };
}

const itemsQuery = pageQuery.extend(including);
const streamQuery = z.looseObject({
  ...including,
  stream: z.enum(["true", "false"]).optional(),
  starting_after: z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .optional(),
});

/** Registers `/v1/responses`: synchronous or in the background, whole or as a stream that can be resumed at any event. */
export function registerResponses(parts: GatewayApp, { http }: Pick<GatewayConfig, "http">): void {
  const { app, metrics } = parts;
  const of = (request: FastifyRequest) => parts.tenants(request.principal.scope).responses;

  app.post("/v1/responses", { schema: { body: responseBody } }, async (request, reply) => {
    const body = request.body as ResponseRequest;
    checkKept(body, sessionHeader(request));
    return body.background === true ? begin(request, reply, body) : answer(request, reply, body);
  });

  /** Answers at once. */
  async function answer(request: FastifyRequest, reply: FastifyReply, body: ResponseRequest): Promise<unknown> {
    const gone = openStoredDeparture(reply.raw);
    return answerUntil(request, reply, body, gone).finally(() => gone.end());
  }

  async function answerUntil(
    request: FastifyRequest,
    reply: FastifyReply,
    body: ResponseRequest,
    gone: ChatCall["gone"],
  ): Promise<unknown> {
    const stream = body.stream === true;
    const asker = askerOf(request, body.user);
    const control = parseCacheControl(header(request, "x-marrow-cache-control"));
    const alive = stream ? aliveOf(request, reply) : undefined;
    const turn = await askAlive(
      alive,
      () =>
        beginTurn(parts, asker, {
          request: body,
          stream,
          session: sessionHeader(request),
          control,
          idempotencyKey: requestKeyOf(request),
          gone,
          deadline: deadlineOf(request),
          // The model's answer is counted besides, where the response is stored.
          onEnd: ({ response }) =>
            response["store"] === true ? tellKept(request, response.id, { adds: true }) : undefined,
          log: request.log,
        }),
      {
        isStream: ({ kind }) => kind === "begun",
        tellBroken: (error) => reply.raw.end(tellBroken(error, 0)),
      },
    );
    if (turn === undefined) return undefined;
    if (turn.kind === "refused") return refuseCall(reply, parts, turn.decision);
    metrics.cached(turn.provenance.cache);
    const headers = toHeaders(turn.provenance, request.id);
    if (turn.kind === "absent") return tellAbsent(reply, headers);
    if (!stream) {
      const { response } = await turn.whole();
      // Nothing is written for a client that left: the response is stored.
      return gone?.aborted === true ? reply.hijack() : reply.headers(headers).send(response);
    }
    // A client that leaves may come back for the kept response, so the stream is read to its end.
    return sendEvents(reply, headers, numbered(turn.events, 0), () => {}, alive);
  }

  const aliveOf = (request: FastifyRequest, reply: FastifyReply) =>
    keepAlive(reply, { aliveMs: http.aliveMs, head: { "x-request-id": request.id } });

  /** Begins one in the background. */
  async function begin(request: FastifyRequest, reply: FastifyReply, body: ResponseRequest): Promise<unknown> {
    const id = newResponseId();
    const asker = askerOf(request, body.user);
    const after = body.previous_response_id ?? undefined;
    const input = await resolveReferences(parts, asker, body, { id, items: toInputItems(body, id) });
    // Invalid requests are refused now, not in the background. Tool results need the history, which may not be complete yet.
    checkAnswered([], input);
    const session = sessionHeader(request);
    const ownResults = after === undefined && session === undefined;
    const known = ownResults ? input : input.filter((item) => !isResult(item));
    if (known.length === 0 && input.length > 0) toChatFields(body);
    else toChatRequest(body, [], known, session);
    const response = toShell(body, id, Date.now());
    const job = { type: "response" as const, response, input, user: asker.user, request: body, asker, session };
    const begun = await of(request)
      .begin(job, { after, key: ownKey(asker, header(request, "idempotency-key")) })
      .catch((error: unknown) => {
        throw after !== undefined && MarrowError.is(error, "not_found") ? noPrevious(after) : error;
      });
    await tellKept(request, begun);
    if (body.stream === true) return follow(request, reply, begun, -1);
    return begun === id ? response : (await of(request).find(begun, asker)).response;
  }

  /** Streams a response in the background, after an event of it. */
  async function follow(request: FastifyRequest, reply: FastifyReply, id: string, after: number): Promise<void> {
    const gone = new AbortController();
    const responses = of(request);
    async function* all(): AsyncGenerator<ResponseEvent | StoredEvent> {
      let next = 0;
      const reader = createPartsReader();
      for await (const event of responses.read(id, gone.signal)) {
        if (event.kind === "restarted") reader.clear();
        else if (event.kind === "text") {
          const pieces = reader.add(event.text);
          if (pieces === undefined) continue;
          if (next > after) yield new StoredEvent(pieces, next);
          next += 1;
        } else if (event.kind === "ended") {
          const { response } = await responses.find(id, {});
          // A response that failed or was cancelled before its model answered begins like any other, because clients wait for that event.
          for (const begun of next === 0 ? firstEvents(response) : []) {
            if (next > after) yield { ...begun, sequence_number: next };
            next += 1;
          }
          const number = Math.max(next, after + 1);
          yield { ...lastEvent(response), sequence_number: number };
        }
      }
    }
    const head = { "x-request-id": request.id };
    await sendEvents(reply, head, numbered(all(), undefined), () => gone.abort(), aliveOf(request, reply));
  }

  app.get<Named>("/v1/responses/:id", { schema: { querystring: streamQuery } }, async (request, reply) => {
    const { id } = request.params;
    const { stream, starting_after: after } = request.query as z.infer<typeof streamQuery>;
    const found = await of(request).find(id, reachOf(request));
    const { response } = found;
    if (stream !== "true")
      return wantsSealed(request.query) ? { ...response, output: unsealed(outputOf(found), request.query) } : response;
    if (!response.background)
      throw new MarrowError("invalid_input", "only a background response can be streamed again", {
        details: { path: "stream" },
      });
    return follow(request, reply, id, after === undefined ? -1 : Number(after));
  });

  app.post<Named>("/v1/responses/:id/cancel", async (request): Promise<ResponseBody> => {
    const { response } = await of(request).cancel(request.params.id, reachOf(request));
    return response;
  });

  app.delete<Named>("/v1/responses/:id", async (request) => {
    await of(request).remove(request.params.id, reachOf(request));
    return { id: request.params.id, object: "response", deleted: true };
  });

  app.get<Named>("/v1/responses/:id/input_items", { schema: { querystring: itemsQuery } }, async (request, reply) => {
    const { input } = await of(request).find(request.params.id, reachOf(request));
    const { after, limit, newestFirst } = toItemPage(request.query);
    const shown = input.map(toCompleteItem);
    const items: readonly Item[] = newestFirst ? shown.toReversed() : shown;
    const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && start === 0)
      throw new MarrowError("not_found", "the cursor does not belong to this list", { details: { path: "after" } });
    const page = items.slice(start, start + limit);
    const asker = askerOf(request, undefined);
    const seen = unsealed(page, request.query);
    const data = wantsPictures(request.query) ? await withPictures(parts, asker, seen) : seen;
    return sendLarge(
      reply,
      toListBody({ data, hasMore: start + limit < items.length }, (item) => item),
    );
  });

  /** Converts events to text, and numbers those without a number. A failure becomes an event of its own. */
  async function* numbered(
    events: AsyncIterable<ResponseEvent | StoredEvent>,
    from: number | undefined,
  ): AsyncGenerator<string | Buffer> {
    let next = from ?? 0;
    try {
      for await (const event of events) {
        if (event instanceof StoredEvent) {
          next = event.number + 1;
          yield* event.toTexts();
          continue;
        }
        const { type, sequence_number: known = next, ...rest } = event;
        next = Number(known) + 1;
        const told = { type, sequence_number: known, ...rest };
        if (isLarge(told)) yield* largeEvent(told);
        else yield toEventText(type, JSON.stringify(told));
      }
      // Open Responses ends its streams by this word; OpenAI's clients pass over it.
      yield toEvent("[DONE]");
    } catch (error) {
      if (MarrowError.is(error, "aborted")) return;
      yield tellBroken(error, next);
    }
  }

  /** Returns the event for a broken stream, whose status was already sent. */
  function tellBroken(error: unknown, number: number): string {
    app.log.warn({ code: (error as { code?: unknown }).code }, "a response's stream broke");
    const { code, message, param, type } = toErrorAnswer(error).body.error;
    const told = { code, message, param };
    return toEventText(
      "error",
      JSON.stringify({ type: "error", sequence_number: number, ...told, error: { type, ...told } }),
    );
  }
}

function isResult({ type }: Item): boolean {
  return type.endsWith("_call_output");
}

/** Yields a large event piece by piece, in turns of the event loop. */
async function* largeEvent(event: ResponseEvent): AsyncGenerator<string | Buffer, void> {
  yield `event: ${event.type}\ndata: `;
  yield* jsonBytesInTurns(event);
  yield "\n\n";
}

function toEventText(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}
