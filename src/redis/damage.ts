import { MarrowError } from "../errors.ts";
import { verdictOf } from "./failure.ts";

/** Returns true if a read failed because of what is stored: a record that cannot be read, or a key of another type. */
export function isDamage(error: unknown): boolean {
  return (
    MarrowError.is(error, "corrupt_record") || MarrowError.is(error, "newer_record") || verdictOf(error) === "misused"
  );
}

/** Awaits the read of one item of a list: `undefined` if the item is damaged, which must not hide the others. Other errors are thrown. */
export async function unlessDamaged<T>(item: Promise<T>): Promise<T | undefined> {
  try {
    return await item;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}
