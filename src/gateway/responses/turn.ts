import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { CacheControl, ChatCall, ChatOutcome } from "../../flow/index.ts";
import { cannotServe } from "../../redis/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import { toErrorAnswer } from "../http/error-body.ts";
import type { GatewayApp } from "../parts.ts";
import { toEvents } from "./answer.ts";
import { askFlow, type AskParts } from "./ask.ts";
import { createAssembler } from "./assemble.ts";
import { toInputItems } from "./input.ts";
import { prepare, toPreparedEvents } from "./prepare.ts";
import { newResponseId, type ResponseRequest } from "./request.ts";
import { resolveReferences, type Known } from "./resolve.ts";
import { lastEvent, type KeptResponse, type ResponseEvent } from "./shape.ts";
import { wantsEncrypted } from "./translation.ts";
import { toShell } from "./shell.ts";

/** Outcome of a synchronous response. */
export type TurnOutcome =
  | Extract<ChatOutcome, { kind: "refused" | "absent" }>
  | {
      readonly kind: "begun";
      readonly provenance: Extract<ChatOutcome, { kind: "whole" }>["provenance"];
      /** All events including the last; the response is stored before its last event. A failure of the model is an event, too. */
      readonly events: AsyncGenerator<ResponseEvent>;
      /** Runs the events to their end and returns the response. @throws the model's failure */
      readonly whole: () => Promise<KeptResponse>;
    };

/** Dependencies of a turn. */
export type TurnParts = AskParts & Pick<GatewayApp, "metrics" | "findModel">;

/** Options of one turn. */
export interface TurnCall {
  readonly request: ResponseRequest;
  readonly stream: boolean;
  /** The session of the response. */
  readonly session?: string | undefined;
  /** Makes no model call: the response is complete without output, and can be continued. @default false */
  readonly prepares?: boolean | undefined;
  readonly control?: CacheControl | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Idempotency key, the same for retries of the request. */
  readonly idempotencyKey?: string | undefined;
  /** Fires when the client leaves; a response that is stored is still completed. */
  readonly gone?: ChatCall["gone"];
  /** Time at which the client stops waiting. */
  readonly deadline?: ChatCall["deadline"];
  /** Unstored responses that can be continued. */
  readonly known?: Known | undefined;
  /** Called with the response when it has ended and is stored, before its last event, which waits for it. */
  readonly onEnd?: ((kept: KeptResponse) => Promise<void> | void) | undefined;
  readonly log?: FastifyRequest["log"] | undefined;
}

/** Runs a response and returns its events, over HTTP and WebSocket. */
export async function beginTurn(parts: TurnParts, asker: Asker, call: TurnCall): Promise<TurnOutcome> {
  const { request, stream, session, control, signal, idempotencyKey, gone, deadline, known, onEnd, log } = call;
  checkKept(request, session);
  const begunMs = performance.now();
  const { previous_response_id: previous } = request;
  const isUnstored = previous != null && known?.(previous)?.response["store"] === false;
  const unstored = isUnstored ? { isAfterUnstored: true as const } : {};
  const id = newResponseId();
  const input = await resolveReferences(parts, asker, request, { id, items: toInputItems(request, id), known });
  const { outcome, search } =
    call.prepares === true
      ? { outcome: await prepare(parts, asker, { request, input, known }), search: undefined }
      : await askFlow(
          parts,
          asker,
          { request, input, stream, known, session, id },
          { control, signal, idempotencyKey, gone, deadline, keeps: request.store !== false },
        );
  if (outcome.kind === "refused" || outcome.kind === "absent") return outcome;
  const assembler = createAssembler(toShell(request, id, Date.now()), { encrypted: wantsEncrypted(request) });

  async function end(response = assembler.response()): Promise<KeptResponse> {
    const made = { response, input, user: asker.user, sealed: assembler.sealed(), ...unstored };
    const kept =
      request.store === false || (await keep(parts, asker, made, performance.now() - begunMs))
        ? made
        : withoutStore(made);
    await onEnd?.(kept);
    return kept;
  }

  const steps = outcome.kind === "prepared" ? toPreparedEvents(assembler) : toEvents(outcome, search, assembler);
  async function* events(): AsyncGenerator<ResponseEvent> {
    try {
      yield* steps;
    } catch (error) {
      if (MarrowError.is(error, "aborted")) throw error;
      log?.warn({ code: (error as { code?: unknown }).code }, "a response's model broke off");
      const { status, body } = toErrorAnswer(error);
      const { code, message, param, type } = body.error;
      yield* assembler.close(true);
      yield { type: "error", code, message, param, error: { type, code, message, param } };
      const failed = assembler.response({ status: "failed", error: { code: toFailedCode(code, status), message } });
      const { response } = await end(failed);
      yield lastEvent(response);
      return;
    }
    yield lastEvent((await end()).response);
  }

  return {
    kind: "begun",
    provenance: outcome.provenance,
    events: events(),
    async whole() {
      for await (const _ of steps);
      return end();
    },
  };
}

/**
 * Stores a response. Returns false if its user was forgotten meanwhile, or if Redis is unavailable; the model's answer is still returned.
 */
async function keep(
  { tenants, metrics }: TurnParts,
  { scope }: Asker,
  made: KeptResponse,
  tookMs: number,
): Promise<boolean> {
  try {
    return await tenants(scope).responses.keep(made, tookMs);
  } catch (error) {
    if (!cannotServe(error)) throw error;
    metrics.degraded("responses", (error as MarrowError).code);
    return false;
  }
}

/** Converts the code of a failed response to OpenAI's codes. An upstream's refusal of the request keeps its code. */
function toFailedCode(code: string, status: number): string {
  if (status === 429) return "rate_limit_exceeded";
  return status >= 500 || code === "model_failed" ? "server_error" : code;
}

/** Returns the response for its client if it could not be stored. */
function withoutStore({ response, ...rest }: KeptResponse): KeptResponse {
  return { ...rest, response: { ...response, store: false } };
}

/** Checks that a response to be continued is stored, and has only one history. */
export function checkKept(
  { background, store, previous_response_id: previous, conversation }: ResponseRequest,
  session: string | undefined,
): void {
  if (background === true && store === false)
    throw new MarrowError("invalid_input", "store must be true for a background response", {
      details: { path: "store" },
    });
  for (const [path, named] of Object.entries({ previous_response_id: previous, conversation }))
    if (session !== undefined && named != null)
      throw new MarrowError("invalid_input", `a request has a session (x-marrow-session) or ${path}, not both`, {
        details: { path },
      });
  if (previous != null && conversation != null)
    throw new MarrowError("invalid_input", "a request may name previous_response_id or conversation, not both", {
      details: { path: "previous_response_id" },
    });
}
