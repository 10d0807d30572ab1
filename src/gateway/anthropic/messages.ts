import type { FastifyRequest } from "fastify";
import { parseCacheControl, type ChatCall } from "../../flow/index.ts";
import type { Turn } from "../../memory/index.ts";
import { createChunkReader, readCompletion } from "../../models/index.ts";
import { askerOf } from "../tenancy/asker.ts";
import { admit, refuseCall, tellAbsent, toHeaders } from "../models/asking.ts";
import type { GatewayConfig } from "../config/config.ts";
import { describeRequest, noteFailure } from "../http/access-log.ts";
import { toErrorAnswer } from "../http/error-body.ts";
import { askAlive, EVENT_STREAM, keepAlive } from "../http/alive.ts";
import { sendLarge } from "../http/large-answer.ts";
import { deadlineOf } from "../http/deadline.ts";
import { requestKeyOf } from "../http/idempotency.ts";
import { withOwnName } from "../models/own-names.ts";
import { countTokens } from "../models/tokens.ts";
import { header, scopeOf, sessionHeader } from "../tenancy/identity.ts";
import { departureOf } from "../http/outlet.ts";
import { writeThrough, type Translation } from "../http/write-through.ts";
import type { GatewayApp } from "../parts.ts";
import { resolveChatFiles } from "../responses/file-parts.ts";
import { readInputs } from "./inputs.ts";
import { toMessage } from "./answer.ts";
import { toOwnPath } from "./own-paths.ts";
import { reshapeErrors, toAnthropicError, toAnthropicStatus } from "./error-shape.ts";
import { writeInputs } from "./written-inputs.ts";
import { countBody, messagesBody, toChatRequest, type MessagesRequest } from "./request.ts";
import { createMessageEvents, type MessageEvent } from "./stream.ts";
import { toJsonText } from "../../internal/json-pieces.ts";

/** Registers `POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's API for every model, through the same flow as a chat. */
export function registerMessages(parts: GatewayApp, { http }: Pick<GatewayConfig, "http">): void {
  const { app, metrics, draining } = parts;

  app.post(
    "/v1/messages",
    { schema: { body: messagesBody }, preSerialization: reshapeErrors },
    async (request, reply) => {
      await writeInputs((request.body as MessagesRequest).messages);
      const asked = toChatRequest(request.body as MessagesRequest);
      const asker = askerOf(request, undefined);
      const { tenant, limiter, per } = await admit(parts, asker);
      const session = sessionHeader(request);
      tenant.checkRoom({ session });
      const messages = await resolveChatFiles(parts, asker, asked.messages);
      const isStream = (request.body as MessagesRequest).stream === true;
      const call: ChatCall = {
        request: {
          ...asked,
          messages,
          ...(isStream && { stream: true, stream_options: { include_usage: true } }),
        },
        user: asker.user,
        key: asker.key,
        limiter,
        per,
        session,
        idempotencyKey: requestKeyOf(request),
        gone: departureOf(reply.raw),
        deadline: deadlineOf(request),
        control: parseCacheControl(header(request, "x-marrow-cache-control")),
      };
      const ids = { "x-request-id": request.id, "request-id": request.id };
      const alive = isStream
        ? keepAlive(reply, { aliveMs: http.aliveMs, head: ids, sign: toText({ type: "ping" }) })
        : undefined;
      const chat = () =>
        tenant.flow.chat(call).catch((error: unknown) => {
          const body = request.body as MessagesRequest;
          throw withOwnName(error, (path) => toOwnPath(path, body), body);
        });
      const outcome = await askAlive(alive, chat, {
        isStream: ({ kind }) => kind === "stream",
        tellBroken: (error) => reply.raw.end(tellBroken(request, error)),
      });
      if (outcome === undefined) return undefined;
      if (outcome.kind === "refused") return refuseCall(reply, parts, outcome.decision);
      metrics.cached(outcome.provenance.cache);
      const headers = { ...toHeaders(outcome.provenance, request.id), "request-id": request.id };
      if (outcome.kind === "absent") return tellAbsent(reply, headers);
      if (outcome.kind === "whole")
        return sendLarge(
          reply.headers(headers),
          toMessage(await readInputs(await readCompletion(outcome.pieces ?? outcome.text, { keepsPieces: true }))),
        );
      if (alive?.begun !== true) {
        reply.hijack();
        reply.raw.writeHead(200, { ...headers, ...EVENT_STREAM });
      }
      return writeThrough(reply.raw, outcome.stream, {
        alive,
        track: (work) => draining.track(work),
        translation: toTranslation(asked.model),
        tellBroken: (error) => tellBroken(request, error),
      });
    },
  );

  // An approximation: counts by the encoding o200k_base, because no model is asked.
  app.post(
    "/v1/messages/count_tokens",
    { schema: { body: countBody }, preSerialization: reshapeErrors },
    async (request) => {
      await writeInputs((request.body as MessagesRequest).messages);
      const { messages, tools } = toChatRequest(request.body as MessagesRequest);
      const told: Turn[] = tools == null ? [] : [{ role: "system", content: await toJsonText(tools) }];
      return { input_tokens: await countTokens(scopeOf(request), [...told, ...messages]) };
    },
  );
}

/** Makes the translation of a chat completions stream to message events. */
function toTranslation(model: string): Translation {
  const [read, events] = [createChunkReader(), createMessageEvents(model)];
  const write = (made: readonly MessageEvent[]) => made.map(toText).join("");
  return {
    read: (bytes) => write(read(bytes).flatMap((chunk) => events.add(chunk))),
    end: () => write(events.end()),
  };
}

/** Returns the last event of a broken stream, whose status was already sent. */
function tellBroken(request: FastifyRequest, error: unknown): string {
  noteFailure(request, error);
  request.log.warn(describeRequest(request), "a model's stream broke");
  const { status, body } = toErrorAnswer(error);
  return toText({ type: "error", ...toAnthropicError(body, toAnthropicStatus(status), request.id) });
}

function toText(event: MessageEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
