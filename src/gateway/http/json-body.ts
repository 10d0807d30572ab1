import type { FastifyInstance, FastifyRequest } from "fastify";
import { ownTurn } from "../../internal/time-slice.ts";
import { readJson, readJsonInTurns } from "../json.ts";
import { keepBody } from "../parts.ts";
import type { Watchdog } from "../watchdog.ts";
import { checkJsonBudget, type JsonBudget } from "./json-budget.ts";

/** Bodies from this size are checked, parsed, validated and handled in turns of the event loop of their own. */
const LARGE_BYTES = 32_768;

/**
 * Reads bodies of `application/json`. Other requests are served between the steps of a large one.
 * @throws MarrowError `too_large`, `invalid_input`, as answers to the request
 */
export function acceptJson(app: FastifyInstance, budget: JsonBudget, watchdog: Watchdog): void {
  const large = new WeakSet<FastifyRequest>();

  app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (request: FastifyRequest, body: Buffer) => {
    // An official client sends DELETE and cancel with this type and no body.
    if (body.length === 0) return undefined;
    const route = request.routeOptions.url ?? "unknown";
    const turn = async (step: string) => {
      if (body.length >= LARGE_BYTES) await ownTurn();
      watchdog.mark(route, step);
    };
    if (body.length >= LARGE_BYTES) large.add(request);
    await turn("check");
    checkJsonBudget(body, budget);
    await turn("parse");
    const { value, beyond } = large.has(request) ? await readJsonInTurns(body, () => turn("parse")) : readJson(body);
    keepBody(request, { bytes: body, beyond });
    await turn("validate");
    return value;
  });

  app.addHook("preHandler", (request, _, done) => {
    const begin = () => {
      watchdog.mark(request.routeOptions.url ?? "unknown", "handle");
      done();
    };
    if (large.has(request)) void ownTurn().then(begin);
    else begin();
  });
}
