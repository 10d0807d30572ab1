import { MarrowError } from "../../errors.ts";
import type { FlowStageSignal } from "../../internal/signals.ts";
import type { ChatCompletion } from "../../models/index.ts";
import { toStoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { isWords } from "../../internal/long-text.ts";
import { staged } from "../signals.ts";
import type { Exchange } from "./exchange.ts";
import { noteStep } from "../../internal/steps.ts";

/** Runs all steps after a complete answer in one round trip. Returns whether the exchange is stored. */
export function finish(kit: FlowKit, exchange: Exchange, completion: ChatCompletion): Promise<boolean> {
  return staged("finish", (signal) => finishNow(kit, exchange, completion, signal));
}

async function finishNow(
  { cache, spend, orWithout }: FlowKit,
  exchange: Exchange,
  completion: ChatCompletion,
  signal: FlowStageSignal | undefined,
): Promise<boolean> {
  const { question } = exchange;
  const { tokens, cost } = spend(exchange, completion);
  if (signal !== undefined) signal.usage = cost;
  const answer = question === undefined ? undefined : toStoredAnswer(completion);
  const storing =
    question === undefined || answer === undefined
      ? undefined
      : orWithout("cache", cache?.store(question, answer, { saves: tokens, cost, subject: exchange.user }));
  const message = completion.choices[0]?.message;
  const kept = message === undefined ? true : await exchange.keeping.keep(message);
  await storing;
  noteStep("send");
  return kept;
}

/** Settles a broken answer, and stores its part in the session as incomplete. It is not cached. */
export async function keepPartial(kit: FlowKit, exchange: Exchange, completion: ChatCompletion): Promise<void> {
  kit.spend(exchange, completion);
  await keepIncomplete(exchange, completion);
}

/** The same for an answer that continues without being recorded; its usage is settled at its end. */
export async function keepShed({ onDegraded }: FlowKit, exchange: Exchange, completion: ChatCompletion): Promise<void> {
  onDegraded?.("recorder", new MarrowError("too_large", "a stream is recorded no further"));
  await keepIncomplete(exchange, completion);
}

async function keepIncomplete({ keeping }: Exchange, { choices }: ChatCompletion): Promise<void> {
  const message = choices[0]?.message;
  // An empty answer is not a turn; endpoints refuse those.
  if (message !== undefined && isWords(message.content) && message.content.length > 0)
    await keeping.keep({ ...message, incomplete: true });
  else await keeping.withdraw();
}
