import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { isTokenCount } from "../../internal/token-count.ts";
import { MarrowError } from "../../errors.ts";
import { servedBy } from "../../flow/index.ts";
import { estimateTokens } from "../../internal/token-estimate.ts";
import { toLimitHeaders } from "../../limiter/http/index.ts";
import {
  jsonBody,
  withDeadline,
  type ChatModel,
  type ForwardedAnswer,
  type ForwardedBody,
} from "../../models/index.ts";
import { askerOf } from "../tenancy/asker.ts";
import { admit, refuseCall, toServedHeaders } from "../models/asking.ts";
import { readForm } from "../http/form.ts";
import type { FormRoom } from "../http/form-room.ts";
import { readBytes } from "../http/body-bytes.ts";
import { deadlineOf } from "../http/deadline.ts";
import { goneOf, openOutlet } from "../http/outlet.ts";
import { bodyOf, type GatewayApp } from "../parts.ts";
import { modelFor, UNNAMED } from "./unnamed-model.ts";

const forwardedBody = z.looseObject({ model: z.string().min(1).max(256), user: z.string().max(256).nullish() });
const unnamedBody = forwardedBody.extend({ model: forwardedBody.shape.model.nullish() });

/** Routes of OpenAI's API that the gateway does not own. The upstream that serves the body's model answers them. */
const ROUTES = ["/v1/moderations", "/v1/images/generations", "/v1/audio/speech", "/v1/completions", "/v1/rerank"];

/** The same for forms: recordings and pictures. */
const FORM_ROUTES = ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits", "/v1/images/variations"];

/** Paths whose answers count tokens of text, which the prices of models are of. */
const TEXT_PATHS: ReadonlySet<string> = new Set(["/completions", "/embeddings"]);

/** Tokens that a recording or a picture is taken for until the upstream has counted. */
const FILE_TOKENS = 1_500;

/** Largest JSON answer whose usage is read, in bytes; for larger ones the estimate stays. */
const READ_BYTES_MAX = 1_048_576;

/** Registers routes that are forwarded to the upstream of their model, with keys, users and limits as for chat. Nothing is cached. */
export function registerForwarded(
  parts: GatewayApp,
  { formBytesMax, room }: { readonly formBytesMax: number; readonly room: FormRoom },
): void {
  const { app, findModel } = parts;
  for (const path of ROUTES)
    app.post(path, { schema: { body: UNNAMED.has(path) ? unnamedBody : forwardedBody } }, async (request, reply) => {
      const { model: named } = request.body as z.infer<typeof unnamedBody>;
      const id = named ?? (await modelFor(path, parts));
      return forward(parts, request, reply, findModel(id), id);
    });
  // Kept whole within its bound: the model may be named last, and another upstream may have to be asked.
  app.register(async (forms) => {
    room.bound(forms);
    forms.addContentTypeParser("multipart/form-data", (request, payload, done) => readBytes(request, payload, done));
    for (const path of FORM_ROUTES)
      forms.post(path, { bodyLimit: formBytesMax }, async (request, reply) => {
        if (request.body === undefined)
          throw new MarrowError("invalid_input", "the body: must be multipart/form-data, and there is none");
        if (!Buffer.isBuffer(request.body))
          throw new MarrowError("unsupported_media_type", "the body must be multipart/form-data");
        const form = await readForm(request.headers["content-type"] ?? "", request.body);
        const { user: asking, files } = form;
        const id = form.model ?? (await modelFor(path, parts));
        const body = form.model === undefined ? form.named(id) : { ...form, model: id };
        const passed = { model: id, user: asking, tokens: files * FILE_TOKENS, body };
        return pass(parts, request, reply, findModel(id), passed);
      });
  });
}

/**
 * Forwards a JSON request unchanged; `id` names its model if the body does not. @throws MarrowError `not_found` without a model that has
 * other paths than chat, `model_failed`
 */
export async function forward(
  parts: GatewayApp,
  request: FastifyRequest,
  reply: FastifyReply,
  served: ChatModel | undefined,
  id: string = (request.body as z.infer<typeof forwardedBody>).model,
): Promise<unknown> {
  const body = request.body as z.infer<typeof unnamedBody>;
  const bytes = bodyOf(request) ?? Buffer.from(JSON.stringify(body));
  const named = jsonBody(bytes, id);
  return pass(parts, request, reply, served, {
    model: id,
    user: body.user,
    tokens: estimateTokens(body),
    body: body.model == null ? named.named(id) : named,
  });
}

/** A forwarded request, with the facts read from it. */
interface Passed {
  readonly model: string;
  readonly user: string | null | undefined;
  /** Tokens that it may use, about. */
  readonly tokens: number;
  readonly body: ForwardedBody;
}

async function pass(
  parts: GatewayApp,
  request: FastifyRequest,
  reply: FastifyReply,
  model: ChatModel | undefined,
  passed: Passed,
): Promise<unknown> {
  const deadline = deadlineOf(request);
  if (model?.forward === undefined)
    throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
  const asker = askerOf(request, passed.user);
  const { limiter } = await admit(parts, asker);
  const subjects = { user: asker.user, model: passed.model, key: asker.key };
  const path = (request.routeOptions.url ?? "").replace(/^\/v1/, "");
  /** Returns the cost of text tokens; those of images and audio are unknown. */
  const costOf = (tokens: number, made: number) =>
    TEXT_PATHS.has(path)
      ? parts.prices.costOf(passed.model, { promptTokens: tokens - made, completionTokens: made })
      : undefined;
  const units = { requests: 1, tokens: passed.tokens, cost: costOf(passed.tokens, 0) ?? 0 };
  const decision = await limiter?.take(subjects, units, { reserve: true });
  if (decision?.allowed === false) return refuseCall(reply, parts, decision);
  let answer: ForwardedAnswer;
  try {
    const asked = deadline?.whole === true ? withDeadline(model, deadline.atMs) : model;
    answer = (await asked.forward?.(path, passed.body, goneOf(reply.raw), deadline?.atMs, asker)) as ForwardedAnswer;
  } catch (error) {
    decision?.settle({ tokens: 0, cost: 0 }).catch(() => {});
    throw error;
  }
  const served = servedBy(model, answer);
  reply.hijack();
  reply.raw.writeHead(answer.status, {
    ...toLimitHeaders(decision),
    ...(served !== undefined && toServedHeaders(served)),
    "x-request-id": request.id,
    "content-type": answer.contentType,
  });
  const read = await writeOn(reply, answer);
  const used = read === undefined ? undefined : usageIn(read);
  const micros = used === undefined ? undefined : costOf(used.tokens, used.made);
  decision?.settle(used === undefined ? {} : { tokens: used.tokens, cost: micros ?? 0 }).catch(() => {});
  const { scope, user, key } = asker;
  const { tokens = 0, made = 0 } = used ?? {};
  const spent = { user, key, model: passed.model, promptTokens: tokens - made, completionTokens: made, micros };
  parts.spend.note(scope, spent);
  parts.metrics.spent(scope, spent);
  return reply;
}

/** Writes an answer through and answers its bytes, where they are JSON of a size that can be read. */
async function writeOn({ raw }: FastifyReply, answer: ForwardedAnswer): Promise<Buffer | undefined> {
  const outlet = openOutlet(raw, () => answer.abandon());
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let piece = await answer.next(); piece !== undefined; piece = await answer.next()) {
      bytes += piece.length;
      if (bytes <= READ_BYTES_MAX) pieces.push(piece);
      await outlet.write(piece);
      if (outlet.gone) break;
    }
    outlet.end();
  } catch {
    // The head is long sent: a cut connection is the only way to say that the rest is missing.
    raw.destroy();
  }
  return answer.contentType.includes("json") && bytes <= READ_BYTES_MAX ? Buffer.concat(pieces) : undefined;
}

/** Reads the usage of an answer: all tokens, and the generated ones. */
function usageIn(body: Buffer): { readonly tokens: number; readonly made: number } | undefined {
  try {
    const { usage } = JSON.parse(body.toString("utf8")) as { readonly usage?: Readonly<Record<string, unknown>> };
    const { total_tokens: total, completion_tokens: made } = usage ?? {};
    if (!isTokenCount(total)) return undefined;
    return { tokens: total, made: isTokenCount(made) ? Math.min(made, total) : 0 };
  } catch {
    return undefined;
  }
}
