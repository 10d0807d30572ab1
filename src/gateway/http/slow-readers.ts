import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Slowest that a client may read what waits for it, in bytes a second. */
const BYTES_PER_SECOND_MIN = 1_024;
/** Checks of a connection within the allowed time. */
const LOOKS = 4;

/** State of a connection with bytes waiting for its client. */
interface Reading {
  sinceMs: number;
  /** Bytes of writes that the system took whole. */
  taken: number;
  /** Bytes of the write under way that it has not taken yet: the most that were seen. */
  queued: number;
}

/**
 * Ends connections, including WebSockets, whose clients read less than 1,024 bytes per second over `allowedMs` while bytes wait. Occasional
 * bytes, and bytes that a client sends, do not count as progress. A model may be silent for longer, because nothing waits then. Returns a
 * function that stops the checks.
 */
export function endSlowReaders(server: Server, allowedMs: number): () => void {
  const open = new Map<Socket, Reading>();
  server.on("connection", (socket: Socket) => open.set(socket, toReading(socket)));

  function look(): void {
    const nowMs = performance.now();
    for (const [socket, before] of open) {
      if (socket.destroyed) {
        open.delete(socket);
        continue;
      }
      const now = toReading(socket);
      const read = Math.max(now.taken - before.taken, before.queued - now.queued);
      if (socket.writableLength === 0) Object.assign(before, now);
      else if (nowMs - before.sinceMs < allowedMs) before.queued = Math.max(before.queued, now.queued);
      else if (read < (BYTES_PER_SECOND_MIN * allowedMs) / 1_000) socket.destroy();
      else Object.assign(before, now);
    }
  }

  const timer = setInterval(look, Math.ceil(allowedMs / LOOKS)).unref();
  return () => clearInterval(timer);
}

function toReading(socket: Socket): Reading {
  // Only the handle has the remaining size of a large write; without it, such a write counts when it is complete.
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return {
    sinceMs: performance.now(),
    taken: socket.bytesWritten - socket.writableLength,
    queued: handle?.writeQueueSize ?? 0,
  };
}
