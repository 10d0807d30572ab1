import type { Hit } from "../../cache/index.ts";
import type { ChatOutcome, Provenance } from "../call.ts";
import type { StoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { oneGo, toReplay, toReplayEvents, wantsUsage } from "../replay.ts";
import { NOTHING_USED, toEstimatedUsage } from "../spending.ts";
import type { Exchange } from "./exchange.ts";

/** Returns a stored answer in the requested form. */
export async function replay(
  { settle, hit }: FlowKit,
  exchange: Exchange,
  found: Hit<StoredAnswer>,
  provenance: Provenance,
): Promise<ChatOutcome> {
  const { match, value: answer, cost } = found;
  if (match === "similar" || match === "judged") settle(exchange.decision, NOTHING_USED);
  hit(exchange, match, cost);
  const kept = await exchange.keeping.keep(answer.message);
  const told = { ...answer, usage: answer.usage ?? toEstimatedUsage(exchange.request, answer.message) };
  const described = kept ? provenance : { ...provenance, session: "unavailable" as const };
  if (exchange.request.stream !== true)
    return { kind: "whole", text: JSON.stringify(toReplay(told)), provenance: described };
  const events = toReplayEvents(told, wantsUsage(exchange.request));
  return { kind: "stream", stream: oneGo(Buffer.from(events)), provenance: described };
}
