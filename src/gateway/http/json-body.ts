import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ownTurn } from "../../internal/time-slice.ts";
import { workFor } from "../../internal/working-for.ts";
import { readBytes } from "./body-bytes.ts";
import { isEncoded } from "./encodings.ts";
import { createBodyArrivals, type BodyArrivals } from "./body-arrivals.ts";
import { createBodyRoom, type BodyRoom } from "./body-room.ts";
import { fill, type Unfilled } from "../../internal/exact-json.ts";
import { toJsonBytes } from "../../internal/json-pieces.ts";
import { readUnfilled } from "./json.ts";
import { longFieldsOf, noteInPieces } from "./long-fields.ts";
import { LARGE_BYTES, readLargeJson } from "./large-json.ts";
import { boundSmallBodies } from "./small-bodies.ts";
import { keepBody } from "../parts.ts";
import { scopeOf } from "../tenancy/identity.ts";
import type { Watchdog } from "./watchdog.ts";
import { deploymentOf } from "./aliases.ts";
import { checkJsonBudget, type JsonBudget } from "../../internal/json-budget.ts";

/** Memory that JSON bodies share: while they arrive, and while they are read and answered. */
export interface BodyMemory {
  readonly arrivals: BodyArrivals;
  readonly room: BodyRoom;
}

/**
 * Parses bodies of `application/json`. A large one is parsed in slices, so other requests continue. Returns the memory that long ones share.
 * @throws MarrowError `too_large`, `invalid_input`, `unavailable`, as answers to the request
 */
export function acceptJson(app: FastifyInstance, budget: JsonBudget, watchdog: Watchdog): BodyMemory {
  boundSmallBodies(app);
  const [arrivals, room] = [createBodyArrivals(), createBodyRoom(app)];
  const mark = (request: FastifyRequest, step: string) => watchdog.mark(request.routeOptions.url ?? "unknown", step);

  app.addContentTypeParser("application/json", (request: FastifyRequest, payload: Readable, done) => {
    // What is decoded took its room before.
    const following = isEncoded(request) ? undefined : arrivals;
    const take = (error: Error | null, body?: Buffer) =>
      body === undefined ? done(error) : parse(request, body, done);
    readBytes(request, payload, take, following);
  });

  function parse(request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
    // An official client sends DELETE and cancel with this type and no body.
    if (body.length === 0) return done(null, undefined);
    if (body.length >= LARGE_BYTES) {
      workFor({ owner: scopeOf(request) }, () => room.read(request, body.length, () => readLarge(request, body))).then(
        (value) => done(null, value),
        done,
      );
      return undefined;
    }
    let value: unknown;
    try {
      mark(request, "read");
      checkJsonBudget(body, budget);
      value = keep(request, body, readUnfilled(body));
    } catch (error) {
      return done(error as Error);
    }
    return done(null, value);
  }

  async function readLarge(request: FastifyRequest, body: Buffer): Promise<unknown> {
    arrivals.leave(request);
    const turn = async (step: string) => {
      await ownTurn();
      mark(request, step);
    };
    const keepsPieces = longFieldsOf(request.routeOptions.url ?? "");
    const read = await readLargeJson(scopeOf(request), body, budget, turn, keepsPieces);
    const kept = keep(request, body, read);
    const value = kept instanceof Promise ? await kept : kept;
    if (keepsPieces !== undefined) noteInPieces(value);
    await turn("validate");
    return value;
  }

  app.addHook("preHandler", (request, _, done) => {
    const owner = scopeOf(request);
    const begin = () => {
      const route = request.routeOptions.url ?? "unknown";
      watchdog.mark(route, "handle");
      watchdog.within(route, owner, done);
    };
    if ((request.kept?.length ?? 0) >= LARGE_BYTES) void workFor({ owner }, ownTurn).then(begin);
    else begin();
  });
  return { arrivals, room };
}

/**
 * Routes of the roles, whose numbers go to programs that expect those of JavaScript. Every other route may ask a model, which gets integers of
 * any length as they came.
 */
const OF_ROLES = /^\/(?:mcp|a2a|v1\/(?:admin|caches|limits|memories|tasks|vector_stores|webhooks))(?:\/|$)/;

/** Keeps the bytes of a body beside its value. A model that the path names wins over the body's; a large body is then written in turns. */
function keep(request: FastifyRequest, bytes: Buffer, read: Unfilled): unknown {
  const value = OF_ROLES.test(request.routeOptions.url ?? "") ? read.value : fill(read);
  const model = deploymentOf(request.raw);
  if (model === undefined || typeof value !== "object" || value === null) {
    keepBody(request, bytes);
    return value;
  }
  const body = { ...value, model };
  const named = toJsonBytes(body);
  if (named instanceof Promise)
    return named.then((written) => {
      keepBody(request, written);
      return body;
    });
  keepBody(request, named);
  return body;
}
