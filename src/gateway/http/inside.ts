import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readBytesInTurns } from "../../internal/json-in-turns.ts";
import { concatInTurns, toJsonBytes } from "../../internal/json-pieces.ts";
import { toRetryAfterMs, type AnswerHeaders } from "../../internal/retry-after.ts";
import type { Principal } from "../tenancy/api-keys.ts";
import type { Asker } from "../tenancy/asker.ts";
import { header } from "../tenancy/identity.ts";

/** Response to an internal request. */
export interface InsideAnswer {
  readonly status: number;
  readonly id: string;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
  readonly headers: AnswerHeaders;
}

/** Sends internal requests, which are treated like a client's. */
export interface Inside {
  /** Returns the sender of an internal request; `undefined` for external ones. */
  principalOf(request: FastifyRequest): Principal | undefined;
  /** Sends a request on behalf of a principal, under a token that only this process knows and only for its duration. */
  readonly askAs: (
    asker: Asker,
    url: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<InsideAnswer>;
}

const HEADER = "x-marrow-inside";

/** Makes the internal requests of an application. */
export function createInside(app: FastifyInstance): Inside {
  const askers = new Map<string, Principal>();
  return {
    principalOf(request) {
      const token = askers.size === 0 ? undefined : header(request, HEADER);
      return token === undefined ? undefined : askers.get(token);
    },

    async askAs({ scope, user, key, plan, only }, url, body, more = {}) {
      const token = randomUUID();
      const actsFor = only === undefined ? "any" : "own";
      askers.set(token, { scope, user: only ?? user, id: key, name: "batch", plan, actsFor });
      try {
        const answer = await app.inject({
          method: "POST",
          url,
          headers: { ...more, "content-type": "application/json", [HEADER]: token },
          payload: await toJsonBytes(body),
          payloadAsStream: true,
        });
        const pieces: Buffer[] = [];
        for await (const piece of answer.stream()) pieces.push(piece as Buffer);
        const headers = answer.headers as AnswerHeaders;
        return {
          status: answer.statusCode,
          id: String(headers["x-request-id"] ?? ""),
          body: await readBytesInTurns(await concatInTurns(pieces)),
          retryAfterMs: toRetryAfterMs(headers),
          headers,
        };
      } finally {
        askers.delete(token);
      }
    },
  };
}
