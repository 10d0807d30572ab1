import type { FlowOptions } from "./call.ts";
import type { Departed } from "./leaving.ts";
import type { Settling } from "./settling.ts";
import type { Exchange } from "./stages/exchange.ts";

/**
 * Releases the concurrency slot of a call whose client left, as long as there are at most as many such calls as slots. So a client that
 * reconnects repeatedly has at most twice its slots. One round trip when the client leaves and one at the call's end, only with limits of
 * concurrency.
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

/** For a call that holds no slot. */
const NOTHING_HELD: Departed = { isFree: Promise.resolve(true), end: () => {} };
