import { MarrowError } from "../../errors.ts";
import type { ChatCompletion, ModelAnswer, ModelCall } from "../../models/index.ts";
import { withStrings } from "../../internal/long-text.ts";
import type { ChatOutcome, Provenance } from "../call.ts";
import { withHistory } from "../context.ts";
import { depart } from "../departed.ts";
import type { FlowKit } from "../kit.ts";
import { createLeaving, type Leaving } from "../leaving.ts";
import { affinityOf, isLate, servedBy } from "../provenance.ts";
import { relay } from "../relaying.ts";
import { wantsUsage } from "../replay.ts";
import { NOTHING_USED } from "../spending.ts";
import type { Leading } from "../together.ts";
import { askUsage, createEventHolder, createUsageFilter } from "../usage-asked.ts";
import { watchEnding } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import { finish, keepPartial, keepShed } from "./finish.ts";
import { openPlace } from "./place.ts";

/** Longest time that an answer continues without its client if it is stored for a later reader. */
const KEPT_DRAIN_MS = 3_600_000;

/** Calls the model, for a whole answer or a stream; `lead` has the followers. */
export async function ask(
  kit: FlowKit,
  exchange: Exchange,
  provenance: Provenance,
  lead?: Leading,
): Promise<ChatOutcome> {
  const leaving = watch(kit, exchange, lead);
  const place = openPlace(kit, exchange);
  const signal = exchange.signal === undefined ? leaving.signal : AbortSignal.any([exchange.signal, leaving.signal]);
  /** Other requests for the same answer need not fail with this one. */
  const isOwn = (error: unknown) => leaving.cancelled || MarrowError.is(error, "aborted") || isLate(exchange, error);
  try {
    if (exchange.request.stream === true) {
      const call = askUsage(toCall(kit, exchange, signal, place.room));
      const parts = await exchange.model.stream(call instanceof Promise ? await call : call);
      const stream = relay({
        model: exchange.request.model,
        parts,
        shown: wantsUsage(exchange.request) ? createEventHolder() : createUsageFilter(),
        lead,
        leaving,
        gone: exchange.gone,
        ending: watchEnding({ signal, deadline: exchange.deadline }),
        recordings: kit.recordings,
        needsWhole: exchange.whole === true,
        isOwn,
        finish: (completion) => finish(kit, exchange, completion),
        keepPartial: (completion) => keepPartial(kit, exchange, completion),
        keepShed: (completion) => keepShed(kit, exchange, completion),
        spend: (completion) => void kit.spend(exchange, completion),
      });
      place.hand();
      return { kind: "stream", stream, provenance: { ...provenance, served: servedBy(exchange.model, parts) } };
    }
    const { text, pieces, kept, served } = await askWhole(kit, exchange, lead, { signal, room: place.room });
    leaving.close();
    place.hand();
    const described = { ...provenance, served };
    return { kind: "whole", text, pieces, provenance: kept ? described : { ...described, session: "unavailable" } };
  } catch (error) {
    leaving.close();
    place.close();
    void exchange.keeping.withdraw();
    kit.settle(exchange.decision, NOTHING_USED);
    await (isOwn(error) ? lead?.leave() : lead?.fail(error));
    throw error;
  }
}

/** Watches whether the client stays, and whether others need the answer. */
function watch(kit: FlowKit, exchange: Exchange, lead?: Leading): Leaving {
  const { onDisconnect, drainMs } = kit;
  const { gone, keeps, session, question } = exchange;
  const finishes = onDisconnect === "finish";
  return createLeaving({
    gone,
    lead,
    wanted:
      keeps === true || (finishes && session !== undefined)
        ? "later"
        : finishes && question !== undefined
          ? "cache"
          : undefined,
    onLeft: () => depart(kit, exchange),
    drainMs: keeps === true ? KEPT_DRAIN_MS : drainMs,
  });
}

/** Builds the model call, with the original bytes if nothing needs to change. */
function toCall(
  { scope = "" }: FlowKit,
  exchange: Exchange,
  signal: AbortSignal | undefined,
  room: ModelCall["room"],
): ModelCall {
  const { history, body, model } = exchange;
  const request = model.takesPieces === true ? exchange.request : withStrings(exchange.request);
  const how = {
    signal,
    affinity: affinityOf(exchange, request),
    deadlineMs: exchange.deadline?.atMs,
    asker: { scope, user: exchange.user },
    room,
    keepsPieces: true,
  };
  if (history.length === 0) return { request, body, ...how };
  return { request: { ...request, messages: withHistory(request.messages, history, exchange.lead) }, ...how };
}

/** Calls the model for a whole answer and runs the final stage. `kept`: whether its session has it. */
export async function askWhole(
  kit: FlowKit,
  exchange: Exchange,
  lead: Leading | undefined,
  { signal, room }: Pick<ModelCall, "signal" | "room">,
): Promise<{
  readonly text: string;
  readonly pieces: ModelAnswer["pieces"];
  readonly completion: ChatCompletion;
  readonly kept: boolean;
  readonly served: Provenance["served"];
}> {
  const answer = await exchange.model.complete(toCall(kit, exchange, signal, room));
  const { text, pieces, completion } = answer;
  lead?.add({ completion });
  // Followers get the answer in the same round trip that stores it.
  const [kept] = await Promise.all([finish(kit, exchange, completion), lead?.end()]);
  return { text, pieces, completion, kept, served: servedBy(exchange.model, answer) };
}
