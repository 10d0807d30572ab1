import type { StreamResponse } from "@a2a-js/sdk";
import {
  ResultManager,
  type AgentExecutionEvent,
  type PushNotificationSender,
  type ServerCallContext,
  type TaskStore,
} from "@a2a-js/sdk/server";

/**
 * Saves what an executor makes, and pushes it, once nobody else does. The SDK saves an event when the client's stream takes it, so without this a
 * client that leaves would freeze its task.
 */
export interface Keeper {
  /** An event was made. */
  readonly made: (event: AgentExecutionEvent) => void;
  /** The first event that was not saved is saved. */
  readonly saved: () => void;
  /** Whoever saved has left: the rest is saved here. */
  readonly takeOver: () => void;
}

/** Makes the keeper of one task in the process that runs it. */
export function createKeeper(
  taskStore: TaskStore,
  sender: PushNotificationSender,
  context: ServerCallContext,
  onError: (error: unknown) => void,
): Keeper {
  /** Events that are not saved yet, the oldest first. */
  const pending: AgentExecutionEvent[] = [];
  let results: ResultManager | undefined;
  let working = false;

  async function work(manager: ResultManager): Promise<void> {
    if (working) return;
    working = true;
    for (let event = pending[0]; event !== undefined; event = pending[0]) {
      try {
        await manager.processEvent(event);
        await sender.send({ payload: await toPayload(event) }, context, manager.getCurrentTask());
      } catch (error) {
        onError(error);
      }
      // A message is not saved, nor what could not be.
      if (pending[0] === event) pending.shift();
    }
    working = false;
  }

  async function toPayload({ kind, data }: AgentExecutionEvent): Promise<StreamResponse["payload"]> {
    const value = kind === "task" ? ((await taskStore.load(data.id, context)) ?? data) : data;
    return { $case: kind, value } as StreamResponse["payload"];
  }

  return {
    made(event) {
      pending.push(event);
      if (results !== undefined) void work(results);
    },
    saved: () => void pending.shift(),
    takeOver() {
      results ??= new ResultManager(taskStore, context);
      void work(results);
    },
  };
}
