// oxlint-disable no-underscore-dangle -- Node keeps there how many connections a server has.
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Draining } from "./draining.ts";

/** Part of all connections that is closed at once: to find idle ones takes a look at all. */
const PARTS = 64;
/** Time in which none is looked for again after none was found, in milliseconds. */
const NONE_MS = 100;

/**
 * Bounds the connections of a server. A further one takes the place of those that have been idle for longest; if none is idle, it is closed
 * at once.
 */
export function boundCount(server: Server, connectionsMax: number, idle: Draining["idle"]): void {
  const part = Math.ceil(connectionsMax / PARTS);
  let [places, noneUntilMs] = [0, 0];
  // Beyond this, Node itself closes what comes.
  server.maxConnections = connectionsMax + part;
  server.on("connection", (socket: Socket) => {
    if ((server as Server & { readonly _connections: number })._connections <= connectionsMax) return void (places = 0);
    // Those that were closed leave in a later turn.
    if (places > 0) return void (places -= 1);
    const nowMs = performance.now();
    const leaving = nowMs < noneUntilMs ? [] : idle(part);
    if (leaving.length === 0) {
      if (nowMs >= noneUntilMs) noneUntilMs = nowMs + NONE_MS;
      return void socket.destroy();
    }
    for (const one of leaving) one.destroy();
    places = leaving.length - 1;
    return undefined;
  });
}
