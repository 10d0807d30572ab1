import type { IncomingMessage, ServerResponse } from "node:http";

/** Bounds for reading the rest of a refused body. */
export interface LingerBounds {
  readonly bytesMax: number;
  readonly totalMs: number;
  /** Longest time without a byte. */
  readonly idleMs: number;
}

/** For a client that may have a key: a body over a limit, on its way. */
export const LINGER: LingerBounds = { bytesMax: 128 * 1_048_576, totalMs: 30_000, idleMs: 3_000 };
/** For a client without a key. */
export const LINGER_UNKNOWN: LingerBounds = { bytesMax: 16 * 1_048_576, totalMs: 5_000, idleMs: 1_000 };

/**
 * Keeps a connection open after its response until the rest of the request was read and discarded, within bounds. The response itself is
 * sent at once. Closing earlier would reset the connection of a client that is still writing, and it would see a broken connection instead
 * of the response.
 */
export function lingerToEnd(request: IncomingMessage, response: ServerResponse, bounds: LingerBounds): void {
  if (request.complete || request.destroyed) return;
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((piece?: unknown, ...rest: unknown[]) => {
    response.end = end as typeof response.end;
    if (request.complete || request.destroyed) return end(piece, ...rest);
    if (typeof piece === "string" || piece instanceof Uint8Array) response.write(piece);
    else response.flushHeaders();
    dropRest(request, bounds, () => end());
    return response;
  }) as typeof response.end;
}

/** Reads the rest of a request and drops it. Calls `done` once: at its end, or where it breaks a bound. */
function dropRest(request: IncomingMessage, { bytesMax, totalMs, idleMs }: LingerBounds, done: () => void): void {
  let left = bytesMax;
  const total = setTimeout(stop, totalMs).unref();
  const idle = setTimeout(stop, idleMs).unref();
  function stop(): void {
    clearTimeout(total);
    clearTimeout(idle);
    for (const event of ENDS) request.off(event, stop);
    request.off("data", drop);
    done();
  }
  function drop(piece: Buffer): void {
    idle.refresh();
    left -= piece.length;
    if (left < 0) stop();
  }
  for (const event of ENDS) request.once(event, stop);
  request.on("data", drop);
  request.resume();
}

const ENDS = ["end", "close", "error"] as const;
