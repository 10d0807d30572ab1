import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { parseCacheControl, type ChatCall } from "../../flow/index.ts";
import { toEvent, type ChatRequest } from "../../models/index.ts";
import { askerOf } from "../tenancy/asker.ts";
import { admit, refuseCall, tellAbsent, toHeaders } from "../models/asking.ts";
import type { GatewayConfig } from "../config/config.ts";
import { describeRequest, noteFailure } from "../http/access-log.ts";
import { toErrorAnswer } from "../http/error-body.ts";
import { requestKeyOf } from "../http/idempotency.ts";
import { askAlive, EVENT_STREAM, keepAlive } from "../http/alive.ts";
import { deadlineOf } from "../http/deadline.ts";
import { header, sessionHeader } from "../tenancy/identity.ts";
import { departureOf } from "../http/outlet.ts";
import { sendText } from "../http/large-answer.ts";
import { writeThrough } from "../http/write-through.ts";
import { bodyOf, type GatewayApp } from "../parts.ts";
import { namesFiles, resolveChatFiles } from "../responses/file-parts.ts";

/** Fields that must be valid for a request to be understood; all others are passed to the model unchanged. */
const chatBody = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z
    .array(
      z.looseObject({
        role: z.string().min(1).max(64),
        content: z.union([z.string(), z.array(z.looseObject({})), z.null()]).optional(),
      }),
    )
    .min(1)
    .max(10_000),
  stream: z.boolean().nullish(),
  user: z.string().max(256).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  conversation: z.union([z.string().min(1).max(256), z.looseObject({ id: z.string().min(1).max(256) })]).nullish(),
});

/** Registers `POST /v1/chat/completions`, whole or as a stream. */
export function registerChat(parts: GatewayApp, { sessions, http }: Pick<GatewayConfig, "sessions" | "http">): void {
  const { app, metrics, draining } = parts;
  app.post("/v1/chat/completions", { schema: { body: chatBody } }, async (request, reply) => {
    const { conversation: held } = request.body as z.infer<typeof chatBody>;
    // Models do not know conversations; without one the body is forwarded unchanged.
    const body = held === undefined ? (request.body as ChatRequest) : withoutConversation(request.body as ChatRequest);
    const conversation = typeof held === "string" ? held : held?.id;
    const session = sessionHeader(request) ?? (sessions.fromMetadata ? sessionIn(body) : undefined);
    if (conversation !== undefined && session !== undefined)
      throw new MarrowError("invalid_input", "a request may name a session or a conversation, not both", {
        details: { path: "conversation" },
      });
    const asker = askerOf(request, body["user"]);
    const admitted = admit(parts, asker);
    // Most requests have nothing to wait for here.
    const { tenant, limiter, per } = admitted instanceof Promise ? await admitted : admitted;
    tenant.checkRoom({ session, conversation });
    const messages = namesFiles(body.messages) ? await resolveChatFiles(parts, asker, body.messages) : body.messages;
    const asked: ChatCall = {
      request: messages === body.messages ? body : { ...body, messages },
      body: held === undefined && messages === body.messages ? bodyOf(request) : undefined,
      user: asker.user,
      key: asker.key,
      limiter,
      per,
      session,
      conversation,
      idempotencyKey: requestKeyOf(request),
      gone: departureOf(reply.raw),
      deadline: deadlineOf(request),
      control: parseCacheControl(header(request, "x-marrow-cache-control")),
    };
    const alive =
      body.stream === true
        ? keepAlive(reply, { aliveMs: http.aliveMs, head: { "x-request-id": request.id } })
        : undefined;
    const outcome = await askAlive(alive, () => tenant.flow.chat(asked), {
      isStream: ({ kind }) => kind === "stream",
      tellBroken: (error) => reply.raw.end(tellBroken(request, error)),
    });
    if (outcome === undefined) return undefined;
    if (outcome.kind === "refused") return refuseCall(reply, parts, outcome.decision);
    metrics.cached(outcome.provenance.cache);
    const headers = toHeaders(outcome.provenance, request.id);
    switch (outcome.kind) {
      case "absent":
        return tellAbsent(reply, headers);
      case "whole":
        reply.hijack();
        return sendText(reply.raw, outcome.pieces ?? outcome.text, headers);
      case "stream":
        if (alive?.begun !== true) {
          reply.hijack();
          reply.raw.writeHead(200, { ...headers, ...EVENT_STREAM });
        }
        return writeThrough(reply.raw, outcome.stream, {
          alive,
          track: (work) => draining.track(work),
          tellBroken: (error) => tellBroken(request, error),
        });
    }
  });
}

function withoutConversation({ conversation: _, ...request }: ChatRequest): ChatRequest {
  return request;
}

/** Returns the event for a broken stream, whose status was already sent: the official clients read errors from such an event. */
function tellBroken(request: FastifyRequest, error: unknown): string {
  noteFailure(request, error);
  request.log.warn(describeRequest(request), "a model's stream broke");
  return toEvent(JSON.stringify(toErrorAnswer(error).body));
}

/** `metadata.session_id`. Off by default: tracing tools set it and send whole histories, which would come twice. */
function sessionIn(body: ChatRequest): string | undefined {
  const named = (body["metadata"] as Readonly<Record<string, unknown>> | null | undefined)?.["session_id"];
  return typeof named === "string" && named !== "" ? named : undefined;
}
