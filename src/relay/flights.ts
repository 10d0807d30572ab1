import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { concatInTurns } from "../internal/json-pieces.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import { createChannel, type Channel, type Outcome } from "./channel.ts";
import { readJoined, type Joined, type Other } from "./joined.ts";
import { endFlight, followFlight, joinFlight, keepFlight } from "./scripts.gen.ts";

/** Time without a heartbeat after which another leader takes over. */
const LEASE_MS = 3_000;
/** Interval of a leader's heartbeats, which also check for followers. */
const HEARTBEAT_MS = 250;
/** Interval at which new parts are published once there are followers. */
const HAND_ON_MS = 20;
/** Time without a poll after which a follower no longer counts. */
const WAIT_MS = 10_000;
/** Time that parts are kept for followers after the last one. */
const PARTS_LIFE_MS = 30_000;
/** Polling interval of a follower. */
const LOOK_MS = { first: 10, last: 100 } as const;
/** Parts that a follower reads at once, and a leader hands on at once. */
const PAGE = 512;
/** Things of one group that are compared with each other. */
const GROUP_ROOM = 8;
/** Parts that are kept for followers; who joins something longer makes it for itself. */
const PARTS_MAX = 100_000;

const WHOLE = Buffer.from("w");
/** Before the bytes of a part. */
const HEAD = Buffer.from("p");

/** Configuration of one kind of flight. `T` is a part. */
export interface FlightsOptions<T> {
  /** Start of the keys, with the hash tag. */
  readonly prefix: string;
  readonly timeoutMs: number;
  /** Encodes a part for another process, a large one in turns of the event loop; `undefined` if that is impossible. */
  readonly encode: (part: T, id: string) => Buffer | undefined | Promise<Buffer | undefined>;
  /** Decodes a part, a large one in turns of the event loop. */
  readonly decode: (bytes: Buffer, id: string) => T | Promise<T>;
  /** Returns true if an error means that Redis is unavailable: then this process leads without a lease. */
  readonly isAway: (error: unknown) => boolean;
}

/** The requested output. */
export interface Wanted {
  readonly id: string;
  /** Group of flights with which this one is compared, and its words. @default no comparison */
  readonly group?: { readonly name: string; readonly words: Buffer } | undefined;
  /** Key of the finished output in Redis. Callers that arrive later are referred to it. */
  readonly made?: string | undefined;
}

/** The producer of an output. */
export interface Lead<T> {
  readonly role: "lead";
  /** True if Redis was unavailable for the join. Other processes do not know of this leader, and storing will likely fail too. */
  readonly isAlone: boolean;
  /** Other flights of the group at the start of this one. */
  readonly others: readonly Other[];
  /** Adds a part. Before the first follower, `fold` may merge it into the last part; it returns whether it did. */
  add(part: T, fold?: (last: T, part: T) => boolean): void;
  /** Merges data into the last part before the first follower; returns whether `into` did. */
  fold(into: (last: T) => boolean): boolean;
  /** Reads all parts from the first one, as followers do. */
  readonly read: (signal?: AbortSignal) => AsyncGenerator<T, Outcome>;
  /** Resolves once there is a follower, in any process. */
  readonly followed: Promise<void>;
  /** Returns true if there were followers in any process, and all have left. */
  deserted(): boolean;
  /** Completes the output. Followers have it, or get it at their next poll. */
  end(): Promise<void>;
  /** Fails the output. Followers in this process get the error; others make the call themselves. */
  fail(error: unknown): Promise<void>;
  /**
   * Gives the lead to another caller. `instead`: id of another flight of this process that serves as well. Followers in this process then
   * follow that one; otherwise each of them would lead, compare and leave in turn.
   */
  leave(instead?: string): Promise<void>;
}

/** A follower of an output. */
export interface Follow<T> {
  readonly role: "follow";
  /** The output that is followed: the same object for all who follow it in this process. */
  readonly flight: object;
  /** Reads all parts from the first one; returns the outcome. */
  readonly read: (signal?: AbortSignal) => AsyncGenerator<T, Outcome>;
}

/** Coalesces callers that want the same output, in this process and others. */
export interface Flights<T> {
  /** Joins or starts a flight. One round trip; none if this process already has it. */
  join(wanted: Wanted): Promise<Lead<T> | Follow<T> | { readonly role: "made" }>;
  /** Follows another leader's flight; `undefined` if it has ended. */
  follow(id: string): Promise<Follow<T> | undefined>;
}

/** Opens the flights under a prefix. A killed leader is replaced after {@link LEASE_MS}. */
export function createFlights<T>(redis: ScopedRedis, options: FlightsOptions<T>): Flights<T> {
  const { prefix, timeoutMs, encode, decode, isAway } = options;
  const channels = new Map<string, Channel<T>>();
  /** Additional ids of a channel. */
  const otherNames = new WeakMap<Channel<T>, readonly string[]>();
  const leaseOf = (id: string) => `${prefix}:lease:${id}`;
  const waitingOf = (id: string) => `${prefix}:waiting:${id}`;
  const partsOf = (id: string, token: string) => `${prefix}:parts:${id}:${token}`;
  const groupOf = ({ id, group }: Wanted) => `${prefix}:group:${group?.name ?? id}`;

  function followOf(channel: Channel<T>): Follow<T> {
    return { role: "follow", flight: channel, read: (signal) => channel.read(signal) };
  }

  function open(id: string): Channel<T> {
    const channel = createChannel<T>();
    channels.set(id, channel);
    return channel;
  }

  function close(id: string, channel: Channel<T>, outcome: Outcome): void {
    channel.end(outcome);
    for (const name of [id, ...(otherNames.get(channel) ?? [])])
      if (channels.get(name) === channel) channels.delete(name);
  }

  /** Makes callers that join `id` in this process follow the flight `instead`, while that one lasts. */
  function pointTo(instead: string, id: string): void {
    const channel = channels.get(instead);
    if (channel === undefined || channel.outcome !== undefined || channels.has(id)) return;
    channels.set(id, channel);
    otherNames.set(channel, [...(otherNames.get(channel) ?? []), id]);
  }

  async function join(wanted: Wanted): ReturnType<Flights<T>["join"]> {
    const { id, group, made } = wanted;
    const known = channels.get(id);
    if (known !== undefined) return followOf(known);
    const channel = open(id);
    const token = randomUUID();
    let joined: Joined | undefined;
    try {
      const keys = { lease: leaseOf(id), waiting: waitingOf(id), group: groupOf(wanted), leases: leaseOf("") };
      const reply = await runScript(
        redis,
        joinFlight,
        { ...keys, made: made ?? keys.lease },
        {
          id,
          token,
          lease_ms: LEASE_MS,
          wait_ms: WAIT_MS,
          room: GROUP_ROOM,
          words: group?.words ?? "",
          look: made === undefined ? 0 : 1,
        },
        { timeoutMs, reply: "bytes", accepts: (given) => (joined = readJoined(given)) !== undefined },
      );
      joined ??= readJoined(reply);
      if (joined?.role === "made") {
        close(id, channel, { kind: "left" });
        return { role: "made" };
      }
      if (joined?.role === "follow") {
        void pump(id, joined.token, channel);
        return followOf(channel);
      }
      return lead(wanted, token, channel, joined?.others ?? []);
    } catch (error) {
      if (isAway(error)) return lead(wanted, undefined, channel, []);
      close(id, channel, { kind: "left" });
      throw error;
    }
  }

  /** Reads along with another process, for all who follow in this one. */
  async function pump(id: string, token: string, channel: Channel<T>): Promise<void> {
    const keys = { lease: leaseOf(id), waiting: waitingOf(id), handed: partsOf(id, token) };
    let outcome: Outcome = { kind: "left" };
    try {
      for (let from = 0, waitMs: number = LOOK_MS.first; ; waitMs = Math.min(LOOK_MS.last, waitMs * 1.5)) {
        await sleep(waitMs, undefined, { ref: channel.followers > 0 });
        const values = { token, from, count: PAGE, wait_ms: WAIT_MS };
        const reply = await runScript(redis, followFlight, keys, values, {
          timeoutMs,
          reply: "bytes",
        });
        const [leads, ...parts] = reply as [number, ...Buffer[]];
        for (const part of parts) {
          if (part.equals(WHOLE)) {
            outcome = { kind: "whole" };
            return;
          }
          const decoded = decode(part.subarray(1), id);
          channel.add(decoded instanceof Promise ? await decoded : decoded);
        }
        from += parts.length;
        if (parts.length > 0) waitMs = LOOK_MS.first;
        else if (leads !== 1 || (from > 0 && channel.followers === 0)) return;
      }
    } catch (error) {
      if (!isAway(error)) outcome = { kind: "failed", error };
    } finally {
      close(id, channel, outcome);
    }
  }

  /** Leads; without a token only in this process. */
  function lead(wanted: Wanted, token: string | undefined, channel: Channel<T>, others: Lead<T>["others"]): Lead<T> {
    const { id } = wanted;
    const keys = { lease: leaseOf(id), waiting: waitingOf(id), handed: partsOf(id, token ?? "") };
    let handedOn = 0;
    let followed = false;
    let timer: NodeJS.Timeout | undefined;
    let busy = false;

    const isOpen = () => token !== undefined && channel.outcome === undefined;
    const schedule = () => {
      if (!isOpen()) return;
      timer = setTimeout(() => void beat(), followed ? HAND_ON_MS : HEARTBEAT_MS);
      timer.unref();
    };

    /** Parts from a place on, as bytes; none once one cannot be handed on. */
    async function encoded(from: number, count: number): Promise<Buffer[] | undefined> {
      const list: Buffer[] = [];
      for (const part of channel.parts.slice(from, from + count)) {
        const made = encode(part, id);
        const bytes = made instanceof Promise ? await renewing(made) : made;
        if (bytes === undefined) return undefined;
        list.push(made instanceof Promise ? await concatInTurns([HEAD, bytes]) : Buffer.concat([HEAD, bytes]));
      }
      return list;
    }

    /** Waits for work that may take longer than the lease lasts. */
    async function renewing<R>(work: Promise<R>): Promise<R> {
      const values = { token: token as string, lease_ms: LEASE_MS, life_ms: PARTS_LIFE_MS, from: handedOn, parts: [] };
      const renew = () => void runScript(redis, keepFlight, keys, values, { timeoutMs }).catch(() => {});
      const renewal = setInterval(renew, HEARTBEAT_MS);
      return work.finally(() => clearInterval(renewal));
    }

    async function beat(): Promise<void> {
      if (busy) return;
      busy = true;
      try {
        const parts = followed ? ((await encoded(handedOn, PAGE)) ?? []) : [];
        const values = { token: token as string, lease_ms: LEASE_MS, life_ms: PARTS_LIFE_MS, from: handedOn, parts };
        const status = await runScript(redis, keepFlight, keys, values, { timeoutMs });
        handedOn += parts.length;
        followed = status === 2;
        if (followed) channel.noteReader();
      } catch {
        // Redis may be back before the lease is over; if not, another one leads, and its own result counts.
      } finally {
        busy = false;
        schedule();
      }
    }

    async function finish(outcome: Outcome): Promise<void> {
      const parts = channel.parts.length;
      close(id, channel, outcome);
      clearTimeout(timer);
      if (token === undefined) return;
      const endKeys = { ...keys, group: groupOf(wanted) };
      const values = { id: wanted.group === undefined ? "" : id, token, life_ms: PARTS_LIFE_MS };
      const end = (from: number, rest: readonly Buffer[]) =>
        runScript(redis, endFlight, endKeys, { ...values, from, parts: rest }, { timeoutMs });
      try {
        if (outcome.kind !== "whole") return void (await end(0, []));
        if (handedOn === 0 && (await end(-1, [])) !== 2) return;
        const rest = await encoded(handedOn, parts - handedOn);
        await end(handedOn, rest === undefined ? [] : [...rest, WHOLE]);
      } catch {
        // The lease ends by itself; who follows then tries for itself.
      }
    }

    schedule();
    return {
      role: "lead",
      isAlone: token === undefined,
      others,
      add(part, fold) {
        if (channel.parts.length < PARTS_MAX) channel.add(part, fold);
        else close(id, channel, { kind: "left" });
      },
      fold: (into) => channel.fold(into),
      read: (signal) => channel.read(signal),
      followed: channel.firstRead,
      deserted: () => channel.wasRead && channel.followers === 0 && !followed,
      end: () => finish({ kind: "whole" }),
      fail: (error) => finish({ kind: "failed", error }),
      leave(instead) {
        const left = finish({ kind: "left" });
        // Readers ask again and continue after the parts they have. The rest is no longer needed and may be large.
        channel.clear();
        if (instead !== undefined) pointTo(instead, id);
        return left;
      },
    };
  }

  async function follow(id: string): Promise<Follow<T> | undefined> {
    const known = channels.get(id);
    if (known !== undefined) return followOf(known);
    const channel = open(id);
    try {
      const token = await redis.send(["GET", leaseOf(id)], { timeoutMs });
      if (typeof token === "string") {
        void pump(id, token, channel);
        return followOf(channel);
      }
    } catch (error) {
      if (!isAway(error)) {
        close(id, channel, { kind: "left" });
        throw error;
      }
    }
    close(id, channel, { kind: "left" });
    return undefined;
  }

  return { join, follow };
}
