import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { decodeRecord, encodeKeyPart, encodeRecord, runScript, type Redis } from "../../redis/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { ApiKeys, Principal } from "../tenancy/api-keys.ts";
import { bearerOf, header } from "../tenancy/identity.ts";
import { isRecordOf } from "../tenancy/own-record.ts";
import { openSignIn } from "../scripts.gen.ts";

/** A sign-in to the dashboard. */
export interface SignIn {
  readonly principal: Principal;
  /** Token that every write of the page must send in `x-marrow-csrf`. */
  readonly csrf: string;
  readonly endsAtMs: number;
}

/** Sign-ins of the dashboard: opaque cookies, stored as hashes in Redis. */
export interface SignIns {
  /** Signs in with a key and returns the cookie's value, which cannot be read again. @throws MarrowError `unauthorized`, `forbidden` */
  withKey(key: string): Promise<Opened>;
  /** Signs in with a one-time link, which is used up. @throws MarrowError `unauthorized` */
  withLink(token: string): Promise<Opened>;
  /** Makes the token of a one-time link that signs in as an admin within {@link LINK_MS}. */
  createLink(): Promise<string>;
  /**
   * Returns the sign-in of a request's cookie; `undefined` without one. A write must have the sign-in's CSRF token.
   * @throws MarrowError `unauthorized` once the sign-in or its key was ended, `forbidden` for a write without the token
   */
  identify(request: FastifyRequest): Promise<SignIn | undefined>;
  /** Returns the sign-in that authenticated a request. */
  of(request: FastifyRequest): SignIn | undefined;
  /** Ends the sign-in of a request. */
  end(request: FastifyRequest): Promise<void>;
}

/** A new sign-in. */
export interface Opened extends SignIn {
  readonly cookie: string;
}

interface Stored {
  /** Id of the key; absent for a link's. */
  readonly key?: string | undefined;
  readonly csrf: string;
  readonly endsAtMs: number;
}

/** Name of the cookie. */
export const COOKIE = "marrow_dashboard";
/** Lifetime of a one-time link. */
export const LINK_MS = 600_000;
/** Sign-ins at the same time; the oldest are ended for new ones. */
const SIGN_INS_MAX = 1_000;
const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const WAIT = { reply: "bytes", timeoutMs: 1_000 } as const;

/** Principal of a one-time link: the operator, who started the gateway and reads its terminal. */
const OPERATOR: Principal = {
  scope: "default",
  user: "default",
  name: "sign-in link",
  id: "link",
  role: "admin",
  actsFor: "any",
};

/** Makes the sign-ins, stored in `{app}:gateway:sign-ins` and one string each, for at most `dashboard.sessionMs`. */
export function createSignIns(
  redis: Redis,
  keys: Pick<ApiKeys, "identify" | "standing">,
  { dashboard: { sessionMs: lifeMs }, publicUrl }: Pick<GatewayConfig, "dashboard" | "publicUrl">,
): SignIns {
  const app = encodeKeyPart("app", redis.app);
  const signIns = `{${app}}:gateway:sign-ins`;
  const linkOf = (token: string) => `{${app}}:gateway:sign-in-link:${digest(token)}`;
  const known = new WeakMap<FastifyRequest, SignIn>();

  async function open(principal: Principal, key: string | undefined): Promise<Opened> {
    const cookie = newToken();
    const stored: Stored = { key, csrf: newToken(), endsAtMs: Date.now() + lifeMs };
    await runScript(
      redis,
      openSignIn,
      { sign_ins: signIns },
      {
        digest: digest(cookie),
        record: encodeRecord({ ...stored, of: digest(cookie) }),
        life_ms: lifeMs,
        sign_ins_max: SIGN_INS_MAX,
      },
    );
    return { cookie, principal, csrf: stored.csrf, endsAtMs: stored.endsAtMs };
  }

  async function read(cookie: string): Promise<SignIn> {
    const name = digest(cookie);
    const record = await redis.send(["GET", `${signIns}:${name}`], { ...WAIT, accepts: isRecordOf(name) });
    if (!Buffer.isBuffer(record)) throw ended();
    const { key, csrf, endsAtMs } = decodeRecord(record) as Stored;
    const principal = key === undefined ? OPERATOR : await keys.standing(key);
    if (principal === undefined || !mayLook(principal)) throw ended();
    return { principal, csrf, endsAtMs };
  }

  return {
    async withKey(key) {
      const principal = await keys.identify(key);
      if (!mayLook(principal))
        throw new MarrowError(
          "forbidden",
          "this needs an API key with the role admin or viewer: make one with marrow key create --role viewer",
        );
      return open(principal, principal.id);
    },

    async withLink(token) {
      const left = TOKEN.test(token) ? await redis.send(["GETDEL", linkOf(token)], { timeoutMs: 1_000 }) : null;
      if (left !== "1")
        throw new MarrowError("unauthorized", "this link was used already, or its ten minutes have passed");
      return open(OPERATOR, undefined);
    },

    async createLink() {
      const token = newToken();
      await redis.send(["SET", linkOf(token), "1", "PX", String(LINK_MS)], { retry: "safe" });
      return token;
    },

    async identify(request) {
      const cookie = cookieOf(request);
      if (cookie === undefined || bearerOf(request) !== undefined) return undefined;
      if (!isRead(request.method)) checkSameOrigin(request, publicUrl);
      const signIn = await read(cookie);
      if (!isRead(request.method) && !isEqual(header(request, "x-marrow-csrf") ?? "", signIn.csrf))
        throw new MarrowError(
          "forbidden",
          "a write with the dashboard's cookie needs its CSRF token in x-marrow-csrf",
          {
            details: { path: "x-marrow-csrf" },
          },
        );
      known.set(request, signIn);
      return signIn;
    },

    of: (request) => known.get(request),

    async end(request) {
      const cookie = cookieOf(request);
      if (cookie === undefined) return;
      await redis.pipeline([
        ["DEL", `${signIns}:${digest(cookie)}`],
        ["ZREM", signIns, digest(cookie)],
      ]);
    },
  };
}

/**
 * Builds the header that sets the cookie, or deletes it (`undefined`). Browsers send it only to `/v1/admin`, never show it to scripts, and
 * never send it from another site.
 */
export function toSetCookie(cookie: string | undefined, lifeMs: number, secure: boolean): string {
  const maxAge = cookie === undefined ? 0 : Math.floor(lifeMs / 1000);
  const parts = [`${COOKIE}=${cookie ?? ""}`, "Path=/v1/admin", `Max-Age=${maxAge}`, "HttpOnly", "SameSite=Strict"];
  return [...parts, ...(secure ? ["Secure"] : [])].join("; ");
}

/**
 * Refuses requests that a browser sends for a page of another origin, in addition to the cookie's SameSite and the token. Programs send
 * neither header.
 * @throws MarrowError `forbidden`
 */
export function checkSameOrigin(request: FastifyRequest, publicUrl: string | undefined): void {
  const site = header(request, "sec-fetch-site");
  const origin = header(request, "origin");
  const own = [header(request, "host"), publicUrl === undefined ? undefined : hostOf(publicUrl)];
  // Behind a proxy the host may differ from the browser's, so the browser's own header takes precedence.
  const isOwn =
    site === undefined
      ? origin === undefined || own.includes(hostOf(origin))
      : site === "same-origin" || site === "none";
  if (!isOwn)
    throw new MarrowError("forbidden", "only pages of the dashboard's own origin may sign in or write", {
      details: { path: site === undefined ? "origin" : "sec-fetch-site" },
    });
}

/** The host of an origin; of an opaque one its own text, which no host is. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Returns true for a read-only method. */
export function isRead(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** The cookie of a request, if it has the form of one. */
function cookieOf(request: FastifyRequest): string | undefined {
  for (const part of (header(request, "cookie") ?? "").slice(0, COOKIES_CHARS_MAX).split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === COOKIE && value !== undefined && TOKEN.test(value)) return value;
  }
  return undefined;
}

const COOKIES_CHARS_MAX = 8_192;

function mayLook({ role }: Principal): boolean {
  return role === "admin" || role === "viewer";
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

function digest(token: string): string {
  return hash("sha256", token);
}

function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(digest(one)), Buffer.from(digest(other)));
}

function ended(): MarrowError {
  return new MarrowError("unauthorized", "this sign-in has expired: sign in again");
}
