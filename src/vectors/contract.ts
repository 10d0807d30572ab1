import { MarrowError } from "../errors.ts";

/**
 * Refuses a collection with another contract. A text reply is the contract that exists.
 * @throws MarrowError `conflict`
 */
export function refuseOther(reply: unknown, contract: string): void {
  if (typeof reply !== "string" && !Buffer.isBuffer(reply)) return;
  throw new MarrowError("conflict", "the collection stores vectors with other settings", {
    details: { stored: String(reply), expected: contract },
  });
}
