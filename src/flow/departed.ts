import type { FlowOptions } from "./call.ts";
import type { Departed } from "./leaving.ts";
import type { Settling } from "./settling.ts";
import type { Exchange } from "./stages/exchange.ts";

/**
 * Gives the place of a call whose client left to others, as long as there are no more of such calls than places: a client that asks and leaves
 * again and again has twice its places at most. One round trip when a client leaves and one at the call's end, only under limits of concurrency.
 */
export function depart(
  { limiter: own, departed, freePlace, onDegraded }: FlowOptions & Pick<Settling, "freePlace">,
  { decision, limiter = own, user, key, request }: Pick<Exchange, "decision" | "limiter" | "user" | "key" | "request">,
): Departed {
  const counted = limiter && departed?.(limiter);
  // Only streams hold places.
  if (decision?.allowed !== true || counted === undefined || request.stream !== true) return NOTHING_HELD;
  const subjects = { user, model: request.model, ...(key !== undefined && { key }) };
  const taken = counted.take(subjects, { requests: 0, concurrency: 1 }).catch((error: unknown) => {
    onDegraded?.("limiter", error);
    return undefined;
  });
  const isFree = taken.then((permit) => {
    if (permit?.allowed !== true) return false;
    freePlace(decision);
    return true;
  });
  const end = async () => {
    const permit = await taken;
    if (permit?.allowed === true) await permit.settle({});
  };
  return { isFree, end: () => void end().catch((error: unknown) => onDegraded?.("limiter", error)) };
}

/** Of a call that has no place to give back. */
const NOTHING_HELD: Departed = { isFree: Promise.resolve(true), end: () => {} };
