import type { FastifyInstance, FastifyRequest } from "fastify";
import { ownTurn } from "../../internal/time-slice.ts";
import { isSlowToRead, readJsonInThread } from "./json-threads.ts";
import { readJson, readJsonInTurns, type ReadJson } from "./json.ts";
import { keepBody } from "../parts.ts";
import type { Watchdog } from "./watchdog.ts";
import { deploymentOf } from "./aliases.ts";
import { checkJsonBudget, type JsonBudget } from "../../internal/json-budget.ts";

/** Bodies from this size are checked, parsed, validated and handled in turns of the event loop of their own; slow ones are read in a thread. */
const LARGE_BYTES = 32_768;

/**
 * Parses bodies of `application/json`. A large one is parsed in slices, so other requests continue.
 * @throws MarrowError `too_large`, `invalid_input`, as answers to the request
 */
export function acceptJson(app: FastifyInstance, budget: JsonBudget, watchdog: Watchdog): void {
  const mark = (request: FastifyRequest, step: string) => watchdog.mark(request.routeOptions.url ?? "unknown", step);

  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request: FastifyRequest, given, done) => {
    const body = given as Buffer;
    // An official client sends DELETE and cancel with this type and no body.
    if (body.length === 0) return done(null, undefined);
    if (body.length >= LARGE_BYTES) {
      readLarge(request, body).then((value) => done(null, value), done);
      return undefined;
    }
    let value: unknown;
    try {
      mark(request, "read");
      checkJsonBudget(body, budget);
      value = keep(request, body, readJson(body));
    } catch (error) {
      return done(error as Error);
    }
    return done(null, value);
  });

  async function readLarge(request: FastifyRequest, body: Buffer): Promise<unknown> {
    const turn = async (step: string) => {
      await ownTurn();
      mark(request, step);
    };
    const read = isSlowToRead(body) ? await readJsonInThread(body, budget) : await readInTurns(body, turn);
    const value = keep(request, body, read);
    await turn("validate");
    return value;
  }

  async function readInTurns(body: Buffer, turn: (step: string) => Promise<void>): Promise<ReadJson> {
    await turn("check");
    checkJsonBudget(body, budget);
    await turn("parse");
    return readJsonInTurns(body, () => turn("parse"));
  }

  app.addHook("preHandler", (request, _, done) => {
    const begin = () => {
      const route = request.routeOptions.url ?? "unknown";
      watchdog.mark(route, "handle");
      watchdog.within(route, done);
    };
    if ((request.kept?.bytes.length ?? 0) >= LARGE_BYTES) void ownTurn().then(begin);
    else begin();
  });
}

/** Keeps the bytes of a body beside its value. A model that the path names wins over the body's. */
function keep(request: FastifyRequest, bytes: Buffer, { value, beyond }: ReadJson): unknown {
  const model = deploymentOf(request.raw);
  if (model === undefined || typeof value !== "object" || value === null) {
    keepBody(request, { bytes, beyond });
    return value;
  }
  const body = { ...value, model };
  keepBody(request, { bytes: Buffer.from(JSON.stringify(body)), beyond });
  return body;
}
