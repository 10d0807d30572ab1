import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { Principal } from "../tenancy/api-keys.ts";
import type { GatewayConfig } from "../config/config.ts";
import { checkSameOrigin, toSetCookie, type SignIn, type SignIns } from "../dashboard/sign-ins.ts";
import type { GatewayApp } from "../parts.ts";
import { VERSION } from "../version.ts";
import type { SessionAnswer, SignedOutAnswer } from "./answers.ts";

const signInBody = z.union([
  z.strictObject({ key: z.string().min(1).max(256) }),
  z.strictObject({ link: z.string().min(1).max(256) }),
]);

/** Registers `/v1/admin/session`: signs in by an API key or a one-time link, returns the current sign-in, and signs out. */
export function registerSession({ app }: GatewayApp, config: GatewayConfig, signIns: SignIns): void {
  const { sessionMs, content } = config.dashboard;
  const secure = config.publicUrl?.startsWith("https:") === true;

  const toAnswer = (principal: Principal, { csrf, endsAtMs }: SignIn): SessionAnswer => ({
    object: "session",
    id: principal.id,
    name: principal.name,
    role: principal.role ?? "viewer",
    scope: principal.scope,
    csrf,
    ends_at: Math.floor(endsAtMs / 1000),
    content,
    version: VERSION,
  });

  app.post(
    "/v1/admin/session",
    { config: { open: true }, schema: { body: signInBody } },
    async (request: FastifyRequest, reply: FastifyReply) => {
      checkSameOrigin(request, config.publicUrl);
      const body = request.body as z.infer<typeof signInBody>;
      const opened = "key" in body ? await signIns.withKey(body.key) : await signIns.withLink(body.link);
      // For the audit log: this route is asked without a key.
      request.principal = opened.principal;
      reply.header("set-cookie", toSetCookie(opened.cookie, sessionMs, secure)).header("cache-control", "no-store");
      return reply.code(201).send(toAnswer(opened.principal, opened));
    },
  );

  // Public, and a success without a sign-in, because a page may check for one.
  app.get("/v1/admin/session", { config: { open: true } }, async (request, reply) => {
    reply.header("cache-control", "no-store");
    const signIn = await signIns.identify(request).catch(passOverEnded);
    return signIn === undefined ? NOBODY_SIGNED_IN : toAnswer(signIn.principal, signIn);
  });

  app.delete("/v1/admin/session", async (request, reply) => {
    await signIns.end(request);
    reply.header("set-cookie", toSetCookie(undefined, 0, secure));
    return { object: "session.deleted", deleted: true };
  });
}

const NOBODY_SIGNED_IN: SignedOutAnswer = { object: "session", role: null };

/** A sign-in that has ended is none. */
function passOverEnded(error: unknown): undefined {
  if (!MarrowError.is(error, "unauthorized")) throw error;
}
