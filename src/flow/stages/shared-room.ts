import { createRoomTaker, type RoomShare, type RoomTaker } from "../../models/index.ts";
import type { Place } from "./place.ts";

/** Room of a request that shares another one's answer. */
export interface SharedRoom extends Pick<RoomTaker, "knows" | "ended"> {
  /** For an answer that the request asks for itself. */
  readonly room: Place["room"];
  /** Gives all of it back: who waits for another request must hold none, or that one could wait for it. */
  giveBack(): void;
}

/** Opens it. What a follower reads, and an answer that it has to ask for itself to go on, take one share: a second one could wait for the first. */
export function openSharedRoom(room: Place["room"], signal: AbortSignal | undefined): SharedRoom {
  let one: RoomShare | undefined;
  const shared =
    room &&
    (() => {
      const own = (one ??= room());
      return { take: (bytes: number, until?: AbortSignal) => own.take(bytes, until), close() {} };
    });
  const begin = () => createRoomTaker({ room: shared, signal }, Infinity);
  let taker = begin();
  return {
    room: shared,
    knows: (bytes) => taker.knows(bytes),
    ended: (bytes) => taker.ended(bytes),
    giveBack() {
      one?.close();
      one = undefined;
      taker = begin();
    },
  };
}
