import { createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { canonicalJson } from "../internal/canonical-json.ts";
import { decodeRecord, toFields } from "../redis/index.ts";

/** The state of a message. */
export type MessageState = "accepted" | "delivered" | "handled" | "bounced" | "expired";

/**
 * Reason for a bounce.
 *
 * - From the agent: `absent`, `draining`, `full`, `gone`.
 * - From the call tree: `hops`, `loop`, `fan_out`, `budget`, `deadline`.
 * - `signature`: the claimed sender did not sign it. `crashed`: processes died while they handled it. `cancelled`: by the sender.
 * - Any other word comes from the handler.
 */
export type BounceReason =
  | "absent"
  | "draining"
  | "full"
  | "gone"
  | "hops"
  | "loop"
  | "fan_out"
  | "budget"
  | "deadline"
  | "signature"
  | "crashed"
  | "cancelled"
  | (string & {});

/** The state and history of a message that was sent. */
export interface Receipt {
  readonly id: string;
  readonly state: MessageState;
  readonly reason: BounceReason | undefined;
  /** Message of the handler's error that bounced it: one line of at most 500 characters, with secrets masked. */
  readonly message: string | undefined;
  readonly from: string | undefined;
  readonly to: string;
  /** The message that began the call tree. */
  readonly tree: string;
  readonly hops: number;
  /** Agents along the call tree; the last one is the recipient. */
  readonly path: readonly string[];
  readonly sentAtMs: number;
  readonly deliveredAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly deadlineMs: number;
  /** Number of deliveries. */
  readonly deliveries: number;
}

/** A message of a call tree, with the message whose handler sent it, and its share of the tree's budget. */
export interface TreeMessage extends Receipt {
  readonly parent: string | undefined;
  readonly gives: { readonly tokens: number; readonly cost: number };
}

/** A call tree of several messages. */
export interface CallTree {
  /** The message that began it. */
  readonly id: string;
  /** Time when its handler first sent a message. */
  readonly atMs: number;
}

/** A stored message with its body. */
export interface StoredMessage extends Receipt {
  readonly body: unknown;
  readonly reply: unknown;
  /** A reply that came after the message had ended. */
  readonly late: unknown;
  readonly signature: string | undefined;
  /** In a notice that another message bounced: the reason, and that message's id. */
  readonly bounce: { readonly reason: BounceReason; readonly id: string } | undefined;
  readonly parent: string | undefined;
  readonly gives: { readonly tokens: number; readonly cost: number };
}

/** Reads a message's fields; `undefined` without any. */
export function toStored(id: string, flat: readonly Buffer[]): StoredMessage | undefined {
  if (flat.length === 0) return undefined;
  const stored = toFields(flat);
  const text = (name: string) => {
    const value = stored.get(name);
    return value === undefined || value.length === 0 ? undefined : String(value);
  };
  const number = (name: string) => (stored.has(name) ? Number(text(name)) : undefined);
  const record = (name: string) => {
    const value = stored.get(name);
    return value === undefined ? undefined : decodeRecord(value);
  };
  const [why = "", which = ""] = text("bounce")?.split(" ") ?? [];
  const name = (encoded: string) => decodeURIComponent(encoded);
  return {
    id,
    state: text("state") as MessageState,
    reason: text("reason"),
    message: text("message"),
    from: text("from") === undefined ? undefined : name(text("from") ?? ""),
    to: name(text("to") ?? ""),
    tree: text("tree") ?? id,
    hops: number("hops") ?? 0,
    path: (text("path") ?? "").split(" ").map(name),
    sentAtMs: number("made") ?? 0,
    deliveredAtMs: number("delivered"),
    endedAtMs: number("ended"),
    deadlineMs: number("deadline") ?? 0,
    deliveries: number("deliveries") ?? 0,
    body: record("body"),
    reply: record("reply"),
    late: record("late"),
    signature: text("signature"),
    bounce: which === "" ? undefined : { reason: why, id: which },
    parent: text("parent"),
    gives: { tokens: number("tokens") ?? 0, cost: number("cost") ?? 0 },
  };
}

/** Returns a message's receipt, without its body. */
export function toReceipt(message: StoredMessage): Receipt {
  const { parent: _, gives: __, ...receipt } = toTreeMessage(message);
  return receipt;
}

/** The same with its place in its call tree. */
export function toTreeMessage(message: StoredMessage): TreeMessage {
  const { body: _, reply: __, late: ___, signature: ____, bounce: _____, ...known } = message;
  return known;
}

/** The signed fields. */
export interface Signed {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly parent: string;
  readonly body: unknown;
}

/** Signs a message with an agent's Ed25519 key. @throws MarrowError `invalid_option` for another kind of key */
export function signMessage(message: Signed, key: KeyObject): string {
  if (key.asymmetricKeyType !== "ed25519")
    throw new MarrowError("invalid_option", "privateKey must be an Ed25519 key", { details: { path: "privateKey" } });
  return sign(null, Buffer.from(canonicalJson(message)), key).toString("base64");
}

/** Returns true if a message was signed by the holder of a public key in the format of a card. */
export function isSigned(message: Signed, signature: string, publicKey: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
    return verify(null, Buffer.from(canonicalJson(message)), key, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

/** Returns the public key in the format of a card. */
export function toPublicKey(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
}
