import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Inside } from "../http/inside.ts";
import type { GatewayApp } from "../parts.ts";
import type { PlaygroundAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { name, scoped } from "./queries.ts";

const playgroundBody = z.strictObject({
  model: name,
  messages: z
    .array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string().min(1).max(100_000) }))
    .min(1)
    .max(100),
  user: name.optional(),
  session: name.optional(),
  cache_control: z.string().min(1).max(256).optional(),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.int().min(1).max(100_000).optional(),
});
const SHOWN = /^(?:x-marrow-|x-ratelimit-|ratelimit|retry-after|age$|x-request-id$)/;

/**
 * Registers `POST /v1/admin/playground`: one chat through the gateway's own route as a user of the scope, with limits, cache, session and
 * prices of a client.
 */
export function registerPlayground({ app }: GatewayApp, askAs: Inside["askAs"]): void {
  app.post(
    "/v1/admin/playground",
    { onRequest: checkAdmin, schema: { body: playgroundBody, querystring: scoped } },
    async (request: FastifyRequest): Promise<PlaygroundAnswer> => {
      const body = request.body as z.infer<typeof playgroundBody>;
      const { session, user = request.principal.user, cache_control: control, ...chat } = body;
      const startMs = performance.now();
      const {
        status,
        headers,
        body: answer,
      } = await askAs(
        { scope: scopeOf(request), user, key: request.principal.id, plan: request.principal.plan },
        "/v1/chat/completions",
        chat,
        {
          "x-marrow-user": asHeader(user),
          ...(session !== undefined && { "x-marrow-session": asHeader(session) }),
          ...(control !== undefined && { "x-marrow-cache-control": control }),
        },
      );
      return {
        object: "playground.answer",
        status,
        elapsed_ms: Math.round((performance.now() - startMs) * 10) / 10,
        headers: Object.fromEntries(
          Object.entries(headers).flatMap(([header, value]) =>
            SHOWN.test(header) && value !== undefined ? [[header, String(value)]] : [],
          ),
        ),
        text: textOf(answer),
        body: answer,
      };
    },
  );
}

function textOf(body: unknown): string | undefined {
  const choices = (
    body as { readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[] } | null
  )?.choices;
  const content = choices?.[0]?.message?.content;
  return typeof content === "string" ? content : undefined;
}

/** A name as a header carries it: a character for each byte. */
function asHeader(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
