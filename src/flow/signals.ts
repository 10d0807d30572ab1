import { isHeard, signalling, type Act, type FlowStageSignal } from "../internal/signals.ts";
import type { ChatCall, ChatOutcome } from "./call.ts";

/** A part of a request with its own signal. */
type Stage = Extract<Act, `flow:${string}`> extends `flow:${infer Name}` ? Exclude<Name, "request"> : never;

const NO_DETAILS: () => FlowStageSignal = () => ({});
const TIERS: Readonly<Record<"exact" | "similar", () => FlowStageSignal>> = {
  exact: () => ({ tier: "exact" }),
  similar: () => ({ tier: "similar" }),
};

/** Runs a stage of a request and publishes its signal. */
export function staged<T>(
  stage: Stage,
  run: (signal?: FlowStageSignal) => Promise<T>,
  tier?: FlowStageSignal["tier"],
): Promise<T> {
  return signalling(`flow:${stage}`, tier === undefined ? NO_DETAILS : TIERS[tier], run);
}

/** Answers a request and publishes its signal. */
export function telling(call: ChatCall, chat: (call: ChatCall) => Promise<ChatOutcome>): Promise<ChatOutcome> {
  if (!isHeard("flow:request")) return chat(call);
  const { request, user, session, conversation = session } = call;
  const signal = { model: request.model, user, stream: request.stream === true, conversation, request };
  return signalling(
    "flow:request",
    () => signal,
    () => chat(call),
  );
}
