import type { ModelCall } from "../../models/index.ts";
import type { AnswerPlace } from "../answer-room.ts";
import type { FlowKit } from "../kit.ts";
import type { Exchange } from "./exchange.ts";

/** Memory for the long answers of one call. */
export interface Place {
  readonly room: ModelCall["room"];
  /** The answer is its client's from now on: the memory is held until the client has it or left, if that is known. */
  hand(this: void): void;
  /** There is no answer. */
  close(this: void): void;
}

/** Opens the memory of a call; nothing is taken before an answer needs it. */
export function openPlace({ answerRoom }: FlowKit, { gone }: Exchange): Place {
  if (answerRoom === undefined) return NO_PLACE;
  let place: AnswerPlace | undefined;
  // An answer whose client left may be read on, for a session or the cache.
  let [isHanded, isOver] = [false, false];
  const close = () => place?.close();
  return {
    room(bytes, signal) {
      if (place === undefined) {
        place = answerRoom.open();
        gone?.onEnd?.(() => {
          isOver = true;
          if (isHanded) close();
        });
      }
      return place.take(bytes, signal);
    },
    hand() {
      isHanded = true;
      if (isOver || gone?.onEnd === undefined) close();
      else place?.hand(() => gone.drop?.());
    },
    close,
  };
}

const NO_PLACE: Place = { room: undefined, hand() {}, close() {} };
