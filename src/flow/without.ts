import { isAway } from "../cache/index.ts";
import { MarrowError } from "../errors.ts";
import type { FlowOptions } from "./call.ts";

/** Runs an optional step; if its role cannot serve, continues without the step's result. */
export type OrWithout = <T>(
  role: "cache" | "memory" | "limiter",
  part: Promise<T> | undefined,
) => Promise<T | undefined>;

const NOTHING: Promise<undefined> = Promise.resolve(undefined);

/** Makes it. A step may fail because Redis cannot serve, or because the cache has an unreadable record. */
export function createOrWithout(onDegraded: NonNullable<FlowOptions["onDegraded"]>): OrWithout {
  return (role, part) => {
    if (part === undefined) return NOTHING;
    return part.catch((error: unknown) => {
      // During an upgrade a newer version may have stored the answer: it stays, and the model is asked.
      const isNewer = role === "cache" && MarrowError.is(error, "newer_record");
      if (!isAway(error) && !isNewer && !MarrowError.is(error, "corrupt_record")) throw error;
      onDegraded(role, error);
      return undefined;
    });
  };
}
