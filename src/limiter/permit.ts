import type { Permit } from "./decision.ts";

/** A permit without its text. */
export type Unwritten = Omit<Permit, "allowed" | "token">;

/** Makes a permit whose token is only written when a caller reads it, because most callers never do. */
export function toPermit(permit: Unwritten, write: () => string | undefined): Permit {
  return new LazyPermit(permit, write);
}

/** A class, because V8 keeps the accessors of an object literal in its old generation, where each would hold its call's garbage for long. */
class LazyPermit implements Permit {
  readonly allowed = true;
  readonly degraded: Permit["degraded"];
  readonly rules: Permit["rules"];
  readonly settle: Permit["settle"];
  readonly adjust: Permit["adjust"];
  readonly #write: () => string | undefined;

  constructor({ degraded, rules, settle, adjust }: Unwritten, write: () => string | undefined) {
    this.degraded = degraded;
    this.rules = rules;
    this.settle = settle;
    this.adjust = adjust;
    this.#write = write;
  }

  get token(): string | undefined {
    return this.#write();
  }
}
