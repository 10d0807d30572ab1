import { randomUUID } from "node:crypto";
import { jsonOf, runScript, type Redis } from "../redis/index.ts";
import { nearby, type Nearby } from "./nearby.ts";
import type { ResolvedWorkerOptions } from "./options.ts";
import { leaveIdle } from "./scripts.gen.ts";

/** A job passed by a push: a record, or its JSON; without a payload if it could not be read. */
export interface Handed {
  readonly id: string;
  readonly line: string;
  readonly payload: Uint8Array | string | undefined;
}

/** Waits for work: an idle worker registers itself at `idle`, and the next push passes its job to it. */
export interface Waiter {
  /** Channel on which jobs arrive. */
  readonly channel: string;
  /** Starts receiving jobs. */
  listen(): void;
  /** Runs a turn, passing it the name of the waiting worker. */
  during<T>(turn: (waiter: string) => Promise<T>): Promise<T>;
  /** Handles a message on its channel. */
  hear(message: string): void;
  /** Stops waiting. Once this resolves, no more jobs arrive and all passed jobs have been received. Never rejects. */
  leave(): Promise<void>;
}

/** Longest delay of a passed job after the worker stopped waiting, in milliseconds. */
const ARRIVAL_MS = 500;

/**
 * Makes the waiter of one worker; `take` gets the passed jobs. With `tenantMax` jobs are not passed but claimed, because only a claim
 * checks that bound.
 */
export function createWaiter(
  redis: Pick<Redis, "send">,
  queue: string,
  { leaseMs, tenantMax, onError }: Pick<ResolvedWorkerOptions<never>, "leaseMs" | "tenantMax" | "onError">,
  take: (handed: Handed) => void,
): Waiter {
  const worker = randomUUID().slice(0, 13);
  const name = tenantMax === 0 ? `${worker} ${leaseMs}` : "1";
  const left = Promise.withResolvers<void>();
  /** Turns that name it, and jobs that it fetches. */
  const underWay = new Set<Promise<unknown>>();
  let listening = false;
  let leaving = false;

  async function tracked<T>(act: Promise<T>): Promise<T> {
    underWay.add(act);
    try {
      return await act;
    } finally {
      underWay.delete(act);
    }
  }

  /** Reads payloads that are too large or compressed for the message. */
  async function payloadOf(id: string): Promise<Buffer | undefined> {
    try {
      return ((await redis.send(["GET", `${queue}:body:${id}`], { reply: "bytes" })) as Buffer | null) ?? undefined;
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  /** Does it once the callbacks of this moment are through. A throw is a rejection: nobody could catch one out of a tick. */
  async function afterThis(act: () => void): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
    act();
  }

  const here: Nearby = {
    worker,
    follow(push, payload) {
      const handed = push.then(
        (reply) => {
          const [id, line] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
          if (typeof id !== "string" || typeof line !== "string") return undefined;
          const job = { id, line, payload: typeof payload === "string" ? jsonOf(payload) : payload };
          // Lets the push resolve first.
          return afterThis(() => take(job));
        },
        () => undefined,
      );
      void tracked(handed).catch(onError);
    },
  };

  return {
    channel: `${queue}:hand:${worker}`,
    listen: () => void (listening = true),

    during(turn) {
      if (!listening || leaving) return turn("");
      if (tenantMax === 0) nearby.set(queue, here);
      return tracked(turn(name));
    },

    hear(message) {
      if (message === "") return left.resolve();
      const [space, lineEnd] = [message.indexOf(" "), message.indexOf("\n")];
      const id = message.slice(0, space);
      const line = message.slice(space + 1, lineEnd);
      const text = message.slice(lineEnd + 1);
      const payload = text === "" ? payloadOf(id) : Promise.resolve(text);
      void tracked(payload.then((got) => take({ id, line, payload: got }))).catch(onError);
    },

    async leave() {
      leaving = true;
      if (nearby.get(queue) === here) nearby.delete(queue);
      if (!listening) return;
      // A turn that names it may run after this.
      await Promise.allSettled(underWay);
      try {
        await runScript(redis, leaveIdle, { queue }, { worker });
        const late = Promise.withResolvers<void>();
        const timer = setTimeout(late.resolve, ARRIVAL_MS);
        await Promise.race([left.promise, late.promise]);
        clearTimeout(timer);
      } catch (error) {
        onError(error);
      }
      await Promise.allSettled(underWay);
    },
  };
}
