import type { Reply } from "../redis/index.ts";

/** Another running flight of the same group. */
export interface Other {
  readonly id: string;
  readonly words: Buffer;
}

/** Reply of the script `join_flight`. */
export type Joined =
  | { readonly role: "made" }
  | { readonly role: "follow"; readonly token: string }
  | { readonly role: "lead"; readonly others: readonly Other[] };

/** Reads a reply of the script `join_flight` in bytes; `undefined` for any other reply. */
export function readJoined(reply: Reply): Joined | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [role, told] = reply as readonly Reply[];
  if (!Buffer.isBuffer(role)) return undefined;
  const name = role.toString("latin1");
  if (name === "made") return { role: "made" };
  if (!Buffer.isBuffer(told)) return undefined;
  if (name === "follow") return { role: "follow", token: String(told) };
  const others = name === "lead" ? readOthers(told) : undefined;
  return others && { role: "lead", others };
}

const COLON = 0x3a;
const LENGTH = /^\d{1,9}$/;

/**
 * Reads the list of other flights: `id:length of words:words` concatenated in one text, because many replies cost more than their content.
 * `undefined` for a text of another form.
 */
export function readOthers(packed: Buffer): readonly Other[] | undefined {
  const others: Other[] = [];
  for (let at = 0; at < packed.length;) {
    const first = packed.indexOf(COLON, at);
    const second = first === -1 ? -1 : packed.indexOf(COLON, first + 1);
    if (second === -1) return undefined;
    const length = packed.toString("latin1", first + 1, second);
    const end = second + 1 + Number(length);
    if (!LENGTH.test(length) || end > packed.length) return undefined;
    others.push({ id: packed.toString("latin1", at, first), words: packed.subarray(second + 1, end) });
    at = end;
  }
  return others;
}
