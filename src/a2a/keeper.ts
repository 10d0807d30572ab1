import type { StreamResponse } from "@a2a-js/sdk";
import {
  ResultManager,
  type AgentExecutionEvent,
  type PushNotificationSender,
  type ServerCallContext,
  type TaskStore,
} from "@a2a-js/sdk/server";

import { insist } from "../internal/insist.ts";
import { cannotServe } from "../redis/index.ts";

/**
 * Saves an executor's events and sends their notifications once nobody else does. The SDK saves an event when the client's stream reads it,
 * so otherwise a task would stop when its client leaves.
 */
export interface Keeper {
  /** Called for each new event. */
  readonly made: (event: AgentExecutionEvent) => void;
  /** Reports that the oldest unsaved event was saved. */
  readonly saved: () => void;
  /** Takes over saving, because the former saver left. */
  readonly takeOver: () => void;
  /** Resolves once there is nothing more to save. */
  readonly settled: () => Promise<void>;
}

/** Makes the keeper of one task in the process that runs it. */
export function createKeeper(
  taskStore: TaskStore,
  sender: PushNotificationSender,
  context: ServerCallContext,
  { isOver, onError }: { readonly isOver: () => boolean; readonly onError: (error: unknown) => void },
): Keeper {
  /** Events that are not saved yet, the oldest first. */
  const pending: AgentExecutionEvent[] = [];
  let results: ResultManager | undefined;
  let working: Promise<void> | undefined;

  async function work(manager: ResultManager): Promise<void> {
    for (let event = pending[0]; event !== undefined; event = pending[0]) {
      try {
        await insist(() => keep(manager, event), isOver, onError, cannotServe);
        await sender.send({ payload: await toPayload(event) }, context, manager.getCurrentTask());
      } catch (error) {
        onError(error);
      }
      // A message is not saved, nor what could not be.
      if (pending[0] === event) pending.shift();
    }
  }

  function begin(manager: ResultManager): void {
    working ??= work(manager).finally(() => (working = undefined));
  }

  /** Saves an event. Retries while Redis is unavailable; skips an event that can never be saved. */
  async function keep(manager: ResultManager, event: AgentExecutionEvent): Promise<void> {
    try {
      await manager.processEvent(event);
    } catch (error) {
      if (cannotServe(error)) throw error;
      onError(error);
    }
  }

  async function toPayload({ kind, data }: AgentExecutionEvent): Promise<StreamResponse["payload"]> {
    const value = kind === "task" ? ((await taskStore.load(data.id, context)) ?? data) : data;
    return { $case: kind, value } as StreamResponse["payload"];
  }

  return {
    made(event) {
      pending.push(event);
      if (results !== undefined) begin(results);
    },
    settled: async () => working,
    saved: () => void pending.shift(),
    takeOver() {
      results ??= new ResultManager(taskStore, context);
      begin(results);
    },
  };
}
