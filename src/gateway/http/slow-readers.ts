import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Slowest that a client may read what waits for it, in bytes a second. */
const BYTES_PER_SECOND_MIN = 1_024;
/** How often connections are looked at within the time that is allowed. */
const LOOKS = 4;

/** What is known of a connection for whose client bytes are waiting. */
interface Reading {
  sinceMs: number;
  /** Bytes of writes that the system took whole. */
  taken: number;
  /** Bytes of the write under way that it has not taken yet: the most that were seen. */
  queued: number;
}

/**
 * Ends connections, of WebSockets too, whose clients read less than 1,024 bytes a second over `allowedMs` while bytes wait for them. A byte now
 * and then is no progress, nor is what a client sends. A model may be silent for longer: nothing waits then. Answers how to stop.
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
  // How much of one large write is left, only the handle knows; without it, such a write counts when it is over.
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return {
    sinceMs: performance.now(),
    taken: socket.bytesWritten - socket.writableLength,
    queued: handle?.writeQueueSize ?? 0,
  };
}
