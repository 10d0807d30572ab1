import type { Question } from "../../cache/index.ts";
import type { Decision } from "../../limiter/index.ts";
import type { Session, Turn } from "../../memory/index.ts";
import type { ChatModel } from "../../models/index.ts";
import type { ChatCall } from "../call.ts";
import type { Keeping } from "../keeping.ts";
import type { Asked } from "../settling.ts";

/** An admitted request, with everything needed to answer it. */
export type Exchange = Omit<ChatCall, "session"> &
  Pick<Asked, "since"> & {
    readonly session: Session | undefined;
    /** Stores the question and the answer in the session. */
    readonly keeping: Keeping;
    /** Earlier turns for the model. */
    readonly history: readonly Turn[];
    readonly decision: Decision | undefined;
    readonly model: ChatModel;
    /** The question for the cache; `undefined` if its answer must not be stored or shared. */
    readonly question: Question | undefined;
  };
