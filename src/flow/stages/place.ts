import { MarrowError } from "../../errors.ts";
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

/**
 * Opens the memory of a call; nothing is taken before an answer needs it. A call whose client left waits for none, unless its caller keeps the
 * answer: it fails with `aborted`.
 */
export function openPlace({ answerRoom }: FlowKit, { gone, keeps }: Exchange): Place {
  if (answerRoom === undefined) return NO_PLACE;
  let place: AnswerPlace | undefined;
  let left: AbortSignal | undefined;
  const close = () => place?.close();
  return {
    room(bytes, signal) {
      if (place === undefined) {
        place = answerRoom.open();
        gone?.onEnd?.(place.close);
        if (keeps !== true) left = leftOf(gone);
      }
      const given = [signal, left].filter((one) => one !== undefined);
      return place.take(bytes, given.length > 1 ? AbortSignal.any(given) : given[0]);
    },
    hand() {
      if (gone?.onEnd === undefined) close();
      else place?.hand(() => gone.drop?.());
    },
    close,
  };
}

function leftOf(gone: Exchange["gone"]): AbortSignal {
  const left = new AbortController();
  const leave = () => left.abort(new MarrowError("aborted", "the client left before there was room for its answer"));
  if (gone?.aborted === true) leave();
  else gone?.addEventListener("abort", leave, { once: true });
  return left.signal;
}

const NO_PLACE: Place = { room: undefined, hand() {}, close() {} };
