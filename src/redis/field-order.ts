import { randomUUID } from "node:crypto";
import type { Redis } from "./connection.ts";
import { allOf } from "./replies.ts";
import { boundRounds } from "./rounds.ts";

/** Options of {@link createFieldOrder}. */
export interface FieldOrderOptions {
  readonly hash: string;
  /**
   * Key of a sorted set in the slot of the hash; all its scores are 0. Every change of the hash's fields must change it in the same step.
   */
  readonly order: string;
  /** Returns the members of a field, always {@link perField} of them. Called when the order is rebuilt. */
  readonly membersOf: (field: string, value: Buffer) => readonly string[];
  /** @default 1 */
  readonly perField?: number | undefined;
}

/** Pages through a hash's fields in the order of their names. The hash itself is never read whole, and only scanned to build the order. */
export interface FieldOrder {
  /**
   * Returns members in order, at most `limit`, between two bounds in the syntax of ZRANGEBYLEX. One round trip, except that the order is
   * rebuilt first if an older version changed the hash alone.
   */
  page(from: string, to: string, limit: number): Promise<readonly string[]>;
}

/** Fields read, and members added, by one command while an order is rebuilt. */
const AT_ONCE = 250;
/** Rounds of a scan beyond those that the number of fields explains: a hash grows meanwhile. */
const SPARE_ROUNDS = 1_000;
/** How many places a hash may have for each field, of which a round of a scan looks at a bounded number. */
const SPARSE = 16;
/** TTL of an unfinished order, in milliseconds. */
const UNFINISHED_MS = 600_000;
/** Rebuilds per call before it uses the existing order: other processes may keep changing the hash. */
const TRIES = 2;

/** Reads the fields of a hash in order. */
export function createFieldOrder(
  redis: Pick<Redis, "send" | "pipeline">,
  { hash, order, membersOf, perField = 1 }: FieldOrderOptions,
): FieldOrder {
  let making: Promise<void> | undefined;

  async function make(fieldsCount: number): Promise<void> {
    const round = boundRounds("HSCAN", SPARE_ROUNDS + Math.ceil((SPARSE * fieldsCount) / AT_ONCE));
    const fresh = `${order}:${randomUUID()}`;
    let [cursor, some] = ["0", false];
    do {
      round();
      const scan = ["HSCAN", hash, cursor, "COUNT", String(AT_ONCE)];
      const [next, flat] = (await redis.send(scan, { reply: "bytes" })) as readonly [Buffer, readonly Buffer[]];
      const members: string[] = [];
      for (let at = 0; at < flat.length; at += 2)
        members.push(...membersOf(String(flat[at]), flat[at + 1] ?? Buffer.alloc(0)));
      const adds: string[][] = [];
      for (let at = 0; at < members.length; at += AT_ONCE)
        adds.push(["ZADD", fresh, ...members.slice(at, at + AT_ONCE).flatMap((member) => ["0", member])]);
      if (adds.length > 0) {
        allOf(await redis.pipeline([...adds, ["PEXPIRE", fresh, String(UNFINISHED_MS)]], { retry: "safe" }));
        some = true;
      }
      cursor = String(next);
    } while (cursor !== "0");
    if (!some) await redis.send(["UNLINK", order], { retry: "safe" });
    else
      allOf(
        await redis.pipeline([
          ["PERSIST", fresh],
          ["RENAME", fresh, order],
        ]),
      );
  }

  return {
    async page(from, to, limit) {
      for (let made = 0; ; made += 1) {
        const [fields, members, page] = allOf(
          await redis.pipeline([
            ["HLEN", hash],
            ["ZCARD", order],
            ["ZRANGEBYLEX", order, from, to, "LIMIT", "0", String(limit)],
          ]),
        );
        if (Number(fields) * perField === Number(members) || made === TRIES) return page as readonly string[];
        await (making ??= make(Number(fields)).finally(() => (making = undefined)));
      }
    },
  };
}
