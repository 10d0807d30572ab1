import type { ModelCall, RoomShare } from "./model.ts";

/** Bytes of an answer that are read before there is room for it. */
const ROOMLESS_BYTES = 1_048_576;
/** Bytes for which room is taken if nothing tells how long an answer will be. */
const GUESSED_BYTES = 8 * 1_048_576;

/** Takes room for an answer while it is read. */
export interface RoomTaker {
  /** Says how many bytes the answer will have, and waits for room for them. */
  knows(bytes: number): Promise<void> | undefined;
  /** Says how many bytes were read until now, and waits for room where they need it. */
  grew(bytes: number): Promise<void> | undefined;
  /** Gives back what the answer did not need. */
  ended(bytes: number): Promise<void> | undefined;
}

/** Begins an answer of at most `bytesMax` bytes. `expected`: its bytes, as far as they are known. @throws as its share of `room` does */
export function createRoomTaker(
  { room, signal }: Pick<ModelCall, "room" | "signal">,
  bytesMax: number,
  expected: number = GUESSED_BYTES,
): RoomTaker {
  let taken = 0;
  let share: RoomShare | undefined;
  const taker: RoomTaker = {
    knows(bytes) {
      expected = bytes;
      return taker.grew(bytes);
    },
    grew(bytes) {
      if (bytes <= Math.max(taken, ROOMLESS_BYTES)) return undefined;
      taken = Math.min(Math.max(taken === 0 ? expected : 2 * taken, bytes), bytesMax);
      share ??= room?.();
      return share?.take(taken, signal);
    },
    ended: (bytes) => share?.take(bytes, signal),
  };
  return taker;
}
