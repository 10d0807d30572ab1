import { MarrowError } from "../errors.ts";

/**
 * Refuses a collection of another contract: a reply that is a text is the contract that was found instead.
 * @throws MarrowError `conflict`
 */
export function refuseOther(reply: unknown, contract: string): void {
  if (typeof reply !== "string" && !Buffer.isBuffer(reply)) return;
  throw new MarrowError("conflict", "the collection stores vectors with other settings", {
    details: { stored: String(reply), expected: contract },
  });
}
