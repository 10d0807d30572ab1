import type { Question } from "../../cache/index.ts";
import type { Decision } from "../../limiter/index.ts";
import type { Session, Turn } from "../../memory/index.ts";
import type { ChatModel } from "../../models/index.ts";
import type { ChatCall } from "../call.ts";
import type { Keeping } from "../keeping.ts";
import type { Asked } from "../settling.ts";

/** A request that was admitted, with all that is known of it once its answer is to be had. */
export type Exchange = Omit<ChatCall, "session"> &
  Pick<Asked, "since"> & {
    readonly session: Session | undefined;
    /** Keeps the question and the answer in the session. */
    readonly keeping: Keeping;
    /** Earlier turns that the model is told. */
    readonly history: readonly Turn[];
    readonly decision: Decision | undefined;
    readonly model: ChatModel;
    /** What the cache knows the request by; `undefined` where its answer must not be stored or shared. */
    readonly question: Question | undefined;
  };
