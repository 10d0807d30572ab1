import { MarrowError } from "../../errors.ts";
import { keyTag, type Redis } from "../../redis/index.ts";

/** Returns the keys with a scope's booked bytes: of files, tasks and other items, and of turns. */
export function bookedKeys(
  { app }: Pick<Redis, "app">,
  scope: string,
): { readonly ends: string; readonly sizes: string } {
  const start = `${keyTag({ app, scope })}:gateway:bytes`;
  return { ends: `${start}:ends`, sizes: `${start}:sizes` };
}

/** Builds the refusal of a full scope. */
export function fullScope(told: {
  readonly kept: number;
  readonly bytesMax: number;
  readonly bytes?: number;
}): MarrowError {
  return new MarrowError(
    "too_large",
    `this scope stores ${told.kept} bytes of the ${told.bytesMax} that it may store (scope-bytes): delete something, or wait until something expires`,
    { details: { path: "scope-bytes", ...told } },
  );
}
