import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkText } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { toFailure } from "../internal/failure.ts";
import { carriesContext, signalling } from "../internal/signals.ts";
import { insist } from "../internal/insist.ts";
import { createWriter, type OutputWriter } from "../relay/index.ts";
import { cannotServe, encodeRecord, readTrace, runScript, type ScopedRedis } from "../redis/index.ts";
import type { AgentCard, Agents } from "./agents.ts";
import { isSigned, toPublicKey, toStored, type StoredMessage } from "./envelope.ts";
import { part } from "./keys.ts";
import type { Mail, PostOffice } from "./mail.ts";
import { resolveRegisterOptions, type RegisterOptions, type ResolvedBusOptions } from "./options.ts";
import { beatAgent, settleMessage, takeMessages, writeParts } from "./scripts.gen.ts";

/** A message that an agent handles. Messages that it sends in doing so belong to the same call tree. */
export interface Letter<T = unknown> extends Mail {
  readonly id: string;
  readonly body: T;
  readonly from: string | undefined;
  readonly tree: string;
  readonly hops: number;
  readonly path: readonly string[];
  readonly deadlineMs: number;
  /** Whether it was delivered before, to a process that died or stalled. */
  readonly redelivered: boolean;
  /** Grows with every delivery. Reject writes with a lower fence than one already seen. */
  readonly fence: number;
  /** Set if this is a notice instead of a message: a message of a call tree that this agent began bounced. */
  readonly bounce: StoredMessage["bounce"];
  /** Aborts at the deadline, when the message is cancelled or taken over by another process, and when the agent closes. */
  readonly signal: AbortSignal;
  /** Appends to the answer while it is made. */
  readonly write: (text: string) => void;
  /** Reports how many of the message's tokens and cost were used; the rest returns to its call tree. */
  readonly use: (used: { readonly tokens?: number; readonly cost?: number }) => void;
}

/** Handles a message and returns the reply, a JSON value. An exception bounces the message with the error's code as the reason. */
export type LetterHandler<T = unknown> = (letter: Letter<T>) => unknown;

/** An agent in this process. */
export interface Agent extends Mail {
  readonly name: string;
  /** Number of messages being handled. */
  readonly running: number;
  /** Accepts no more messages. The agent's state is `draining` once all its processes drain. */
  drain(): Promise<void>;
  /** Drains, waits for running handlers (at most ten seconds), returns the other messages and leaves. */
  close(): Promise<void>;
}

interface Held {
  readonly id: string;
  readonly fence: string;
  readonly controller: AbortController;
  readonly output: OutputWriter;
}

const LOOK_MS = 1_000;
const CLOSE_MS = 10_000;
/** Timers may fire a little early: a message ends after its deadline. */
const EARLY_MS = 5;

/** Registers an agent and begins to handle its messages. Resolves once others can reach it. */
export async function openInbox(
  redis: ScopedRedis,
  bus: string,
  parts: { readonly mail: PostOffice; readonly agents: Agents; readonly options: ResolvedBusOptions },
  card: AgentCard,
  handler: LetterHandler,
  registerOptions: RegisterOptions,
): Promise<Agent> {
  const { mail, agents, options } = parts;
  const { graceMs, requireSignatures, onError } = options;
  const { concurrency, inboxMax, leaseMs, deliveriesMax, privateKey, onRevived } =
    resolveRegisterOptions(registerOptions);
  const name = checkText("card.name", card.name, 128, "invalid_input");
  const agent = part("card.name", name);
  const instance = randomUUID().slice(0, 13);
  const full = privateKey === undefined ? card : { ...card, publicKey: toPublicKey(privateKey) };
  const held = new Map<string, Held>();
  let draining = false;
  let closed = false;
  let taking = false;
  let again = false;

  async function beat({ card: told = false, lease = leaseMs } = {}): Promise<void> {
    const all = [...held.values()];
    const values = {
      agent,
      instance,
      lease_ms: lease,
      capacity: concurrency,
      draining: draining ? 1 : 0,
      card: told ? encodeWritable("card", full, encodeRecord) : "",
      inbox_max: inboxMax,
      grace_ms: graceMs,
      held: all.flatMap(({ id, fence }) => [id, fence]),
    };
    const [standing, ...states] = (await runScript(redis, beatAgent, { bus }, values)) as readonly string[];
    all.forEach((one, at) => states[at] !== "held" && stop(one, states[at] ?? "lost"));
    if (standing !== "dead" || closed) return;
    // Declared dead while it was busy or cut off: it is there again.
    await beat({ card: true });
    onRevived();
  }

  function stop(one: Held, why: string): void {
    if (why === "lost") one.output.stop();
    one.controller.abort(
      new MarrowError(
        "aborted",
        why === "lost" ? "the message is no longer leased to this process" : "the message was cancelled",
      ),
    );
  }

  async function take(): Promise<void> {
    again = true;
    if (taking) return;
    taking = true;
    while (again && !draining && held.size < concurrency) {
      again = false;
      const wanted = Math.min(100, concurrency - held.size);
      const values = { agent, lease_ms: leaseMs, wanted, deliveries_max: deliveriesMax, grace_ms: graceMs };
      try {
        const reply = await runScript(redis, takeMessages, { bus }, values, { reply: "bytes" });
        const given = reply as readonly (Buffer | number | readonly Buffer[])[];
        for (let at = 0; at < given.length; at += 4) {
          const [id, fence, before, fields] = given.slice(at, at + 4);
          start(
            String(id),
            String(fence),
            Number(before),
            toStored(String(id), fields as readonly Buffer[]) as StoredMessage,
          );
        }
        if (given.length === 4 * wanted) again = true;
      } catch (error) {
        onError(error);
        break;
      }
    }
    taking = false;
  }

  function start(id: string, fence: string, before: number, message: StoredMessage): void {
    const controller = new AbortController();
    const keys = { message: `${bus}:message:${id}`, log: `${bus}:stream:${id}` };
    const output = createWriter(
      (from, texts) => runScript(redis, writeParts, keys, { fence, from, parts: texts }),
      (state) => state === "lost" && stop(one, "lost"),
      onError,
    );
    const one: Held = { id, fence, controller, output };
    held.set(id, one);
    const late = setTimeout(() => stop(one, "expired"), Math.max(0, message.deadlineMs - Date.now()) + EARLY_MS);
    void handle(one, before, message)
      .catch(onError)
      .finally(() => {
        clearTimeout(late);
        held.delete(id);
        if (!draining) void take();
      });
  }

  async function handle(one: Held, before: number, message: StoredMessage): Promise<void> {
    let used = message.gives;
    let outcome: readonly [outcome: string, reason: string, reply: Buffer | "", message?: string];
    if (await isForged(message)) outcome = ["bounced", "signature", ""];
    else {
      try {
        const letter: Letter = {
          ...mail.as({ agent: name, parent: one.id, privateKey }),
          id: one.id,
          body: message.body,
          from: message.from,
          tree: message.tree,
          hops: message.hops,
          path: message.path,
          deadlineMs: message.deadlineMs,
          redelivered: before > 0,
          fence: Number(one.fence),
          bounce: message.bounce,
          signal: one.controller.signal,
          write: one.output.write,
          use: ({ tokens = 0, cost = 0 }) => void (used = { tokens, cost }),
        };
        const carrier = carriesContext() ? await readTrace(redis, bus, one.id) : {};
        const reply = await signalling(
          "bus:message",
          () => ({
            kind: "mail",
            id: one.id,
            to: name,
            redelivered: before > 0,
            waitedMs: Math.max(0, Date.now() - message.sentAtMs),
            carrier,
          }),
          async () => handler(letter),
        );
        outcome = ["handled", "", encodeWritable("reply", reply ?? null, encodeRecord)];
      } catch (error) {
        const { reason, message: said } = toFailure(error);
        if (one.controller.signal.reason === CLOSED) outcome = ["release", "", ""];
        else if (one.controller.signal.aborted) outcome = ["bounced", "cancelled", ""];
        else {
          onError(error);
          outcome = ["bounced", reason, "", said];
        }
      }
    }
    await one.output.settle().catch((error: unknown) => {
      // A part that Redis will never take: the answer would lack it.
      onError(error);
      const { reason, message: said } = toFailure(error);
      outcome = ["bounced", reason, "", said];
    });
    await settle(one, outcome, {
      tokens: Math.max(0, message.gives.tokens - used.tokens),
      cost: Math.max(0, message.gives.cost - used.cost),
    });
  }

  async function settle(
    one: Held,
    [outcome, reason, reply, message = ""]: readonly [string, string, Buffer | "", string?],
    back: { tokens: number; cost: number },
  ) {
    const values = { agent, id: one.id, fence: one.fence, outcome, reason, message, reply, ...back };
    await insist(
      () => runScript(redis, settleMessage, { bus }, values),
      () => closed,
      onError,
      cannotServe,
    );
  }

  /** Checks whether a message's claimed sender is false, as far as that can be decided. */
  async function isForged({ id, from, to, body, signature, bounce, path }: StoredMessage): Promise<boolean> {
    if (bounce !== undefined || (signature === undefined && !requireSignatures)) return false;
    if (signature === undefined || from === undefined) return true;
    const [sender] = await agents.find({ name: from, states: ["online", "draining", "unreachable"] });
    const publicKey = sender?.card["publicKey"];
    const parent = path.length > 1 ? String(await redis.send(["HGET", `${bus}:message:${id}`, "parent"])) : "";
    return typeof publicKey !== "string" || !isSigned({ id, from, to, parent, body }, signature, publicKey);
  }

  const subscription = await redis.subscribe([`${bus}:to:${agent}`], (_, message) => {
    const one = message.startsWith("cancel ") ? held.get(message.slice(7)) : undefined;
    if (one === undefined) void take();
    else stop(one, "cancelled");
  });
  await beat({ card: true });
  const heart = setInterval(() => void beat().catch(onError), leaseMs / 3);
  const look = setInterval(() => void take(), LOOK_MS);
  void take();

  async function drain(): Promise<void> {
    draining = true;
    await beat();
  }

  return {
    ...mail.as({ agent: name, privateKey }),
    name,
    get running() {
      return held.size;
    },
    drain,
    async close() {
      if (closed) return;
      await drain().catch(onError);
      clearInterval(look);
      const untilMs = performance.now() + CLOSE_MS;
      while (held.size > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const one of held.values()) one.controller.abort(CLOSED);
      const lastMs = performance.now() + 500;
      while (held.size > 0 && performance.now() < lastMs) await new Promise((resolve) => setTimeout(resolve, 5));
      closed = true;
      clearInterval(heart);
      await beat({ lease: 0 }).catch(onError);
      await subscription.close();
    },
  };
}

const CLOSED = new MarrowError("aborted", "the agent is closing");
