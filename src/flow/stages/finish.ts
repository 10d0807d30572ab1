import { MarrowError } from "../../errors.ts";
import type { FlowStageSignal } from "../../internal/signals.ts";
import type { ChatCompletion } from "../../models/index.ts";
import { toStoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { staged } from "../signals.ts";
import type { Exchange } from "./exchange.ts";

/** Everything that follows a whole answer, in one round trip. Answers whether the exchange are kept. */
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
  return kept;
}

/** What came of an answer that broke off: the session keeps it, marked, and nothing is cached. */
export async function keepPartial(kit: FlowKit, exchange: Exchange, completion: ChatCompletion): Promise<void> {
  kit.spend(exchange, completion);
  await keepIncomplete(exchange, completion);
}

/** The same of an answer that goes on without being recorded: what it uses is settled at its end. */
export async function keepShed({ onDegraded }: FlowKit, exchange: Exchange, completion: ChatCompletion): Promise<void> {
  onDegraded?.("recorder", new MarrowError("too_large", "a stream is recorded no further"));
  await keepIncomplete(exchange, completion);
}

async function keepIncomplete({ keeping }: Exchange, { choices }: ChatCompletion): Promise<void> {
  const message = choices[0]?.message;
  // An answer that said nothing is no turn: endpoints refuse an empty one.
  if (typeof message?.content === "string" && message.content !== "")
    await keeping.keep({ ...message, incomplete: true });
  else await keeping.withdraw();
}
