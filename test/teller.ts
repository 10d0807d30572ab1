import { TaskState, type Part } from "@a2a-js/sdk";
import { AgentEvent, type AgentExecutor, type ExecutionEventBus, type RequestContext } from "@a2a-js/sdk/server";

/** A part of a message that is a text. */
export const text = (value: string): Part => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain",
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says so many words, one every few milliseconds, until it is cancelled. */
export function teller(pauseMs: number): AgentExecutor & { runs: number } {
  const cancelled = new Set<string>();
  const status = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() });
  const agent = {
    runs: 0,
    async execute({ taskId, contextId, userMessage }: RequestContext, bus: ExecutionEventBus) {
      agent.runs += 1;
      const [part] = userMessage.parts;
      const count = Number(part?.content?.$case === "text" ? part.content.value : 0);
      bus.publish(
        AgentEvent.task({
          id: taskId,
          contextId,
          status: status(TaskState.TASK_STATE_WORKING),
          artifacts: [],
          history: [userMessage],
          metadata: undefined,
        }),
      );
      for (let n = 0; n < count && !cancelled.has(taskId); n += 1) {
        const artifact = {
          artifactId: "a",
          name: "a",
          description: "",
          parts: [text(`w${n} `)],
          metadata: undefined,
          extensions: [],
        };
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            artifact,
            append: n > 0,
            lastChunk: n === count - 1,
            metadata: undefined,
          }),
        );
        await pause(pauseMs);
      }
      if (!cancelled.has(taskId))
        bus.publish(
          AgentEvent.statusUpdate({
            taskId,
            contextId,
            status: status(TaskState.TASK_STATE_COMPLETED),
            metadata: undefined,
          }),
        );
    },
    async cancelTask(taskId: string, bus: ExecutionEventBus) {
      cancelled.add(taskId);
      bus.publish(
        AgentEvent.statusUpdate({
          taskId,
          contextId: "",
          status: status(TaskState.TASK_STATE_CANCELED),
          metadata: undefined,
        }),
      );
    },
  };
  return agent;
}
