import { randomBytes, type KeyObject } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { carriesContext } from "../internal/signals.ts";
import { pause } from "../internal/pause.ts";
import { readParts, type Part } from "../relay/index.ts";
import { encodeRecord, keepTraces, runScript, type ScopedRedis, type Subscription } from "../redis/index.ts";
import {
  signMessage,
  toReceipt,
  toStored,
  type BounceReason,
  type MessageState,
  type Receipt,
  type StoredMessage,
  toTreeMessage,
  type CallTree,
  type TreeMessage,
} from "./envelope.ts";
import { part } from "./keys.ts";
import { resolveLimits, type ResolvedBusOptions, type SendOptions } from "./options.ts";
import { cancelMessage, sendMessage } from "./scripts.gen.ts";

/** The result of a request. */
export type Answer<R = unknown> =
  | { readonly state: "handled"; readonly id: string; readonly reply: R }
  | {
      readonly state: "bounced";
      readonly id: string;
      readonly reason: BounceReason;
      readonly message?: string | undefined;
    }
  /** No answer came in time. A late answer is stored: see `lateReplies`. */
  | { readonly state: "expired"; readonly id: string };

/** The parts of an agent's answer as they arrive, and how it ended. */
export type AnswerEvent = Part | ({ readonly kind: "ended" } & Answer);

/** The sender: an agent, while it handles a message or not, or a program that is not an agent. */
export interface Sender {
  readonly agent?: string | undefined;
  /** The message that the sender is handling. */
  readonly parent?: string | undefined;
  readonly privateKey?: KeyObject | undefined;
}

/** Options of `request`. */
export interface RequestOptions extends SendOptions {
  /** Cancels the request; the agent's signal aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** Messages between agents of a scope. */
export interface Mail {
  /** Puts a message into an agent's inbox. One round trip. The receipt shows a bounce. */
  readonly send: (to: string, body: unknown, options?: SendOptions) => Promise<Receipt>;
  /** Sends a message and waits for its answer, bounce or deadline. @throws MarrowError `aborted` */
  readonly request: <R = unknown>(to: string, body: unknown, options?: RequestOptions) => Promise<Answer<R>>;
  /** Sends a message and reads the answer as it is written. @throws MarrowError `aborted` */
  readonly stream: (to: string, body: unknown, options?: RequestOptions) => AsyncIterable<AnswerEvent>;
}

/** Reads and cancels messages that were sent. */
export interface Receipts {
  /** Returns a message's receipt, until an hour after its end; `undefined` if there is no such message. */
  receipt(id: string): Promise<Receipt | undefined>;
  /** Lists call trees with several messages: the latest 200 of the last day, newest first. One round trip. */
  trees(): Promise<readonly CallTree[]>;
  /** Returns the receipts of a call tree's messages, first message first: at most 500, until an hour after they ended. Two round trips. */
  tree(id: string): Promise<readonly TreeMessage[]>;
  /** Cancels a message: a waiting one bounces, one that is being handled is aborted. Returns its state. */
  cancel(id: string): Promise<MessageState | undefined>;
  /** Returns replies that came after their requests had ended: the latest 100 of the last hour. */
  lateReplies(agent: string): Promise<readonly { readonly id: string; readonly reply: unknown }[]>;
}

/** Makes the mail of senders, which share a bus. */
export interface PostOffice extends Receipts {
  /** Returns the mail of a sender. */
  readonly as: (sender: Sender) => Mail;
  readonly close: () => Promise<void>;
}

const TTL_MS = 60_000;
const MONTH_MS = 30 * 86_400_000;
const LOOK_MS = 500;

/** Opens the mail of a scope. */
export function createPostOffice(redis: ScopedRedis, bus: string, options: ResolvedBusOptions): PostOffice {
  const { graceMs, limits: defaults } = options;
  const handle = randomBytes(9).toString("base64url");
  const waiting = new Map<string, () => void>();
  let subscription: Promise<Subscription> | undefined;

  /** Subscribes to the outcomes of messages sent from here, before the first one is sent. */
  function listen(): Promise<Subscription> {
    return (subscription ??= redis
      .subscribe([`${bus}:from:${handle}`], (_, id) => waiting.get(id)?.())
      .catch((error: unknown) => {
        subscription = undefined;
        throw error;
      }));
  }

  async function find(id: string): Promise<StoredMessage | undefined> {
    const fields = await redis.send(["HGETALL", `${bus}:message:${checkId(id)}`], { reply: "bytes" });
    return toStored(id, fields as readonly Buffer[]);
  }

  async function post(
    { agent = "", parent = "", privateKey }: Sender,
    to: string,
    body: unknown,
    sent: SendOptions,
    tell: string,
  ): Promise<Receipt> {
    if (body === undefined) refuse("body", "a JSON value", body, "invalid_input");
    const id = sent.id === undefined ? randomBytes(12).toString("base64url") : checkId(sent.id);
    const { hopsMax, visitsMax, fanOutMax, tokens, cost } = resolveLimits(sent.limits, defaults);
    const gives = (name: "tokens" | "cost") =>
      checkInteger(`gives.${name}`, sent.gives?.[name] ?? 0, { min: 0, max: 2 ** 50 }, "invalid_input");
    const signed = privateKey === undefined ? "" : signMessage({ id, from: agent, to, parent, body }, privateKey);
    const values = {
      id,
      from: agent === "" ? "" : part("from", agent),
      to: part("to", checkText("to", to, 128, "invalid_input")),
      body: encodeWritable("body", body, encodeRecord),
      ttl_ms: checkInteger("ttlMs", sent.ttlMs ?? TTL_MS, { min: 1, max: MONTH_MS }, "invalid_input"),
      parent,
      hops_max: hopsMax,
      visits_max: visitsMax,
      fan_out_max: fanOutMax,
      tokens,
      cost,
      uses_tokens: gives("tokens"),
      uses_cost: gives("cost"),
      tell,
      signature: signed,
      grace_ms: graceMs,
    };
    if (carriesContext()) keepTraces(redis, bus, [id]);
    const reply = (await runScript(redis, sendMessage, { bus }, values)) as readonly (string | number)[];
    const [state, reason, tree, deadline, hops, path, made] = reply.map(String) as SentWords;
    const receipt: Receipt = {
      id,
      state: state as MessageState,
      reason: reason === "" ? undefined : reason,
      message: undefined,
      from: agent === "" ? undefined : agent,
      to,
      tree,
      hops: Number(hops),
      path: path.split(" ").map(decodeURIComponent),
      sentAtMs: Number(made),
      deliveredAtMs: undefined,
      endedAtMs: state === "bounced" ? Number(made) : undefined,
      deadlineMs: Number(deadline),
      deliveries: 0,
    };
    return receipt;
  }

  function toAnswer({ id, state, reason, message, reply }: StoredMessage): Answer<never> | undefined {
    if (state === "handled") return { state, id, reply: (reply ?? null) as never };
    if (state === "bounced") return { state, id, reason: reason ?? "bounced", ...(message && { message }) };
    return state === "expired" ? { state, id } : undefined;
  }

  async function wait(id: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<Answer<never>> {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(id, resolve);
      const stored = await find(id);
      const answer = stored === undefined ? ({ state: "expired", id } as const) : toAnswer(stored);
      if (answer !== undefined) return answer;
      // The server's clock decides; nobody may be there to look at it.
      const leftMs = deadlineMs - Date.now();
      if (leftMs < -LOOK_MS) return { state: "expired", id };
      const late = new AbortController();
      const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
      const look = pause(Math.min(LOOK_MS, Math.max(10, leftMs + 10)), both, "a request").catch((error: unknown) => {
        if (signal?.aborted === true) throw error;
      });
      await Promise.race([promise, look]);
      late.abort();
      signal?.throwIfAborted();
    }
  }

  async function cancel(id: string): Promise<MessageState | undefined> {
    const state = (await runScript(redis, cancelMessage, { bus }, { id: checkId(id) })) as string;
    return state === "" ? undefined : (state as MessageState);
  }

  /** Sends a request, yields what `follow` yields, and cancels the request if its signal aborts. */
  async function* asking<T>(
    sender: Sender,
    to: string,
    body: unknown,
    { signal, ...sent }: RequestOptions,
    follow: (id: string, deadlineMs: number) => AsyncIterable<T>,
    bounced: (answer: Answer<never>) => T,
  ): AsyncGenerator<T> {
    if (isOver(signal)) throw aborted(signal);
    await listen();
    const { id, state, reason, deadlineMs } = await post(sender, to, body, sent, handle);
    if (state === "bounced") {
      yield bounced({ state, id, reason: reason ?? "bounced" });
      return;
    }
    try {
      yield* follow(id, deadlineMs);
    } catch (error) {
      if (!isOver(signal)) throw error;
      throw aborted(signal);
    } finally {
      waiting.delete(id);
      // A caller that stops reading has given up.
      if (isOver(signal)) await cancel(id).catch(options.onError);
    }
  }

  function as(sender: Sender): Mail {
    return {
      send: (to, body, sent = {}) => post(sender, to, body, sent, ""),
      async request(to, body, sent = {}) {
        async function* follow(id: string, deadlineMs: number) {
          yield await wait(id, deadlineMs, sent.signal);
        }
        for await (const answer of asking(sender, to, body, sent, follow, (one) => one)) return answer;
        throw new MarrowError("internal", "a request ended without an answer");
      },
      stream(to, body, sent = {}) {
        const follow = (id: string): AsyncIterable<AnswerEvent> =>
          readParts<AnswerEvent>(redis, {
            log: `${bus}:stream:${id}`,
            state: ["HMGET", `${bus}:message:${id}`, "state", "deadline"],
            toEnd(reply) {
              const [state, deadline] = reply as readonly (string | null)[];
              const over = state === null || Number(deadline) < Date.now() - LOOK_MS;
              return over || !["accepted", "delivered"].includes(state ?? "")
                ? { kind: "ended", state: "expired", id }
                : undefined;
            },
            after: undefined,
            signal: sent.signal,
          });
        async function* whole(): AsyncGenerator<AnswerEvent> {
          const events = asking<AnswerEvent>(sender, to, body, sent, follow, (one) => ({ kind: "ended", ...one }));
          for await (const event of events) {
            if (event.kind !== "ended" || event.state !== "expired") yield event;
            else {
              const stored = await find(event.id);
              yield { kind: "ended", ...((stored && toAnswer(stored)) ?? { state: "expired", id: event.id }) };
            }
          }
        }
        return whole();
      },
    };
  }

  return {
    as,
    cancel,
    async receipt(id) {
      const stored = await find(id);
      return stored === undefined ? undefined : toReceipt(stored);
    },
    async trees() {
      const reply = await redis.send(["ZREVRANGE", `${bus}:trees`, "0", "-1", "WITHSCORES"]);
      // One list in RESP2, one of pairs in RESP3.
      const flat = (reply as readonly (string | number | readonly (string | number)[])[]).flat();
      return Array.from({ length: flat.length / 2 }, (_, at) => ({
        id: String(flat[at * 2]),
        atMs: Number(flat[at * 2 + 1]),
      }));
    },
    async tree(id) {
      const below = await redis.send(["LRANGE", `${bus}:tree:${checkId(id)}:messages`, "0", "-1"]);
      const found = await Promise.all([id, ...(below as readonly string[])].map(find));
      return found.flatMap((message) => (message === undefined ? [] : [toTreeMessage(message)]));
    },
    async lateReplies(agent) {
      const ids = (await redis.send(["LRANGE", `${bus}:late:${part("agent", agent)}`, "0", "-1"])) as readonly string[];
      const found = await Promise.all(ids.map(find));
      return found.flatMap((message) => (message === undefined ? [] : [{ id: message.id, reply: message.late }]));
    },
    async close() {
      await (await subscription)?.close();
    },
  };
}

/** Reply of the script that sends. */
type SentWords = [
  state: string,
  reason: string,
  tree: string,
  deadline: string,
  hops: string,
  path: string,
  made: string,
];

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function aborted(signal: AbortSignal | undefined): MarrowError {
  return new MarrowError("aborted", "the request was aborted by its signal", { cause: signal?.reason });
}

function checkId(id: string): string {
  const checked = checkText("id", id, 80, "invalid_input");
  return /^[\w-]+$/.test(checked) ? checked : refuse("id", "the id of a message", id, "invalid_input");
}
