import type { ModelCall } from "../../models/index.ts";
import type { AnswerPlace } from "../answer-room.ts";
import type { FlowKit } from "../kit.ts";
import type { Exchange } from "./exchange.ts";

/** Memory for the long answers of one call: those of attempts that run at once, and of one after the other. */
export interface Place {
  readonly room: ModelCall["room"];
  /**
   * The answer is its client's from now on: the memory is held until the client has it or left, if that is known. Called again for an answer
   * that continues it.
   */
  hand(this: void): void;
  /** There is no answer. */
  close(this: void): void;
}

/**
 * Opens the memory of a call; nothing is taken before an answer needs it. `isHeld`: its answers are another call's, of which the process holds
 * what came.
 */
export function openPlace({ answerRoom }: FlowKit, { gone }: Exchange, isHeld: boolean = false): Place {
  if (answerRoom === undefined) return NO_PLACE;
  const places = new Set<AnswerPlace>();
  // An answer whose client left may be read on, for a session or the cache.
  let [isWatched, isHanded, isOver] = [false, false, false];
  const close = () => {
    for (const place of places) place.close();
    places.clear();
  };
  return {
    room() {
      const place = answerRoom.open({ isHeld });
      places.add(place);
      if (!isWatched)
        gone?.onEnd?.(() => {
          isOver = true;
          if (isHanded) close();
        });
      isWatched = true;
      return {
        take: place.take,
        close() {
          places.delete(place);
          place.close();
        },
      };
    },
    hand() {
      isHanded = true;
      if (isOver || gone?.onEnd === undefined) close();
      else for (const place of places) place.hand(() => gone.drop?.());
    },
    close,
  };
}

const NO_PLACE: Place = { room: undefined, hand() {}, close() {} };
