import type { KeyObject } from "node:crypto";
import { checkInteger } from "../internal/check.ts";
import { toListener } from "../internal/listener.ts";

/**
 * Bounds of a call tree: a message and all messages that are sent while it is handled. The first sender sets them; no later sender can
 * widen them.
 */
export interface TreeLimits {
  /** Longest path, 0 to 1,000. @default 16 */
  readonly hopsMax?: number | undefined;
  /** Most visits of one agent on a path, 1 to 1,000. @default 3 */
  readonly visitsMax?: number | undefined;
  /** Most messages in the tree, 1 to 1,000,000. @default 100 */
  readonly fanOutMax?: number | undefined;
  /** Most tokens in the tree. @default no bound */
  readonly tokens?: number | undefined;
  /** Cost in millionths of the currency. @default no bound */
  readonly cost?: number | undefined;
}

/** Options of `createBus`. All processes that use the bus of a scope must pass the same. */
export interface BusOptions {
  /** Bounds of call trees whose first message sets none. */
  readonly limits?: TreeLimits | undefined;
  /**
   * An agent that cannot be reached for this long counts as gone, in milliseconds, 1,000 to one day. @default 60_000
   */
  readonly graceMs?: number | undefined;
  /** Whether agents accept only messages that their sender signed. @default false */
  readonly requireSignatures?: boolean | undefined;
  /** Keeps ephemeral messages within their shard of a cluster (sharded pub/sub, Redis 7); patterns cannot be used then. @default false */
  readonly sharded?: boolean | undefined;
  /**
   * Turns a text into a vector of length 1, for `find({ like })`; usually an embedder's function. @default `like` cannot be used
   */
  readonly embed?: ((text: string) => Promise<ArrayLike<number>>) | undefined;
  /** Called with each error of work in the background. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Options of `register`. */
export interface RegisterOptions {
  /** Messages handled at the same time, 1 to 1,000. @default 16 */
  readonly concurrency?: number | undefined;
  /** Messages that may wait for the agent or be handled by it, 1 to 1,000,000. @default 1_000 */
  readonly inboxMax?: number | undefined;
  /** A process that has not renewed its lease for this long counts as dead, in milliseconds, 1,000 to 600,000. @default 10_000 */
  readonly leaseMs?: number | undefined;
  /** Most deliveries of a message whose processes die, 1 to 100. @default 3 */
  readonly deliveriesMax?: number | undefined;
  /** Signs the agent's messages (Ed25519); the public key goes into its card. @default messages are not signed */
  readonly privateKey?: KeyObject | undefined;
  /** Called when the agent was declared dead and is back. */
  readonly onRevived?: (() => void) | undefined;
}

/** Options of a message. */
export interface SendOptions {
  /** Time to answer, in milliseconds, up to 30 days; within a handler at most the time left for its own message. @default 60_000 */
  readonly ttlMs?: number | undefined;
  /** Your own id for the message. A second message with the same id is not sent. @default a new one */
  readonly id?: string | undefined;
  /** Part of the call tree's budget that the message may use. Unused parts are returned. */
  readonly gives?: { readonly tokens?: number | undefined; readonly cost?: number | undefined } | undefined;
  /** Bounds of the call tree that this message begins. */
  readonly limits?: TreeLimits | undefined;
}

export interface ResolvedLimits {
  readonly hopsMax: number;
  readonly visitsMax: number;
  readonly fanOutMax: number;
  /** -1: no bound */
  readonly tokens: number;
  readonly cost: number;
}

export interface ResolvedBusOptions {
  readonly limits: ResolvedLimits;
  readonly graceMs: number;
  readonly requireSignatures: boolean;
  readonly sharded: boolean;
  readonly embed: BusOptions["embed"];
  readonly onError: (error: unknown) => void;
}

export type ResolvedRegisterOptions = {
  readonly [Name in Exclude<keyof RegisterOptions, "privateKey">]-?: Exclude<RegisterOptions[Name], undefined>;
} & { readonly privateKey: KeyObject | undefined };

const LIMITS: ResolvedLimits = { hopsMax: 16, visitsMax: 3, fanOutMax: 100, tokens: -1, cost: -1 };

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveBusOptions({
  limits,
  graceMs = 60_000,
  requireSignatures = false,
  sharded = false,
  embed,
  onError = () => {},
}: BusOptions): ResolvedBusOptions {
  return {
    limits: resolveLimits(limits, LIMITS),
    graceMs: checkInteger("graceMs", graceMs, { min: 1_000, max: 86_400_000 }),
    requireSignatures,
    sharded,
    embed,
    onError: toListener(onError),
  };
}

/** Fills missing limits from the defaults. @throws MarrowError `invalid_option` */
export function resolveLimits(limits: TreeLimits = {}, defaults: ResolvedLimits = LIMITS): ResolvedLimits {
  const integer = (name: keyof TreeLimits, min: number, max: number) => {
    const value = limits[name];
    return value === undefined ? defaults[name] : checkInteger(`limits.${name}`, value, { min, max });
  };
  return {
    hopsMax: integer("hopsMax", 0, 1_000),
    visitsMax: integer("visitsMax", 1, 1_000),
    fanOutMax: integer("fanOutMax", 1, 1_000_000),
    tokens: integer("tokens", 0, 2 ** 50),
    cost: integer("cost", 0, 2 ** 50),
  };
}

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveRegisterOptions(options: RegisterOptions): ResolvedRegisterOptions {
  const { concurrency = 16, inboxMax = 1_000, leaseMs = 10_000, deliveriesMax = 3, onRevived = () => {} } = options;
  return {
    concurrency: checkInteger("concurrency", concurrency, { min: 1, max: 1_000 }),
    inboxMax: checkInteger("inboxMax", inboxMax, { min: 1, max: 1_000_000 }),
    leaseMs: checkInteger("leaseMs", leaseMs, { min: 1_000, max: 600_000 }),
    deliveriesMax: checkInteger("deliveriesMax", deliveriesMax, { min: 1, max: 100 }),
    privateKey: options.privateKey,
    onRevived,
  };
}
