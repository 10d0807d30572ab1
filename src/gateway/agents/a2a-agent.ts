import { hash } from "node:crypto";
import { Message, Role, TaskState, type AgentCard, type Part, type TaskStatus } from "@a2a-js/sdk";
import { AgentEvent, type AgentExecutor, type ExecutionEventBus } from "@a2a-js/sdk/server";
import type { AgentInfo, AnswerEvent, Bus } from "../../bus/index.ts";

/** Message to an agent of the bus for an A2A message. */
export interface A2ARequest {
  /** The message's texts, concatenated. */
  readonly text: string;
  readonly message: unknown;
  readonly taskId: string;
  /** As chosen by the client, possibly equal to another user's: a conversation is identified by user and context together. */
  readonly contextId: string;
  /** The sender, named by their key or the application. */
  readonly user: string;
}

const TTL_MS = 3_600_000;
const ARTIFACT = "answer";

/** Converts an agent of the bus to an A2A agent card. */
export function toAgentCard({ card }: AgentInfo, url: string): AgentCard {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    name: card.name,
    description: text(card.description),
    version: text(card.version) || "1",
    supportedInterfaces: [{ url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" }],
    provider: undefined,
    capabilities: { streaming: true, pushNotifications: true, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: (card.skills ?? []).map(({ id, description = "", tags = [] }) => ({
      id,
      name: id,
      description,
      tags: [...tags],
      examples: [],
      inputModes: [],
      outputModes: [],
      securityRequirements: [],
    })),
    signatures: [],
  };
}

/**
 * Lets an agent of the bus handle an A2A message; its answer becomes an artifact while it is made. The agent gets a message once, however
 * often it is executed: a process that takes a task over continues reading the same answer. A failure ends the task as failed and is passed
 * to `onError`.
 */
export function executeOnBus(bus: Bus, agent: string, onError: (error: unknown) => void): AgentExecutor {
  const running = new Map<string, AbortController>();

  return {
    async execute({ userMessage, taskId, contextId, task, context }, events) {
      const given = new AbortController();
      running.set(taskId, given);
      const status = (state: TaskState, text?: string): TaskStatus => ({
        state,
        message: text === undefined ? undefined : agentMessage(taskId, contextId, text),
        timestamp: new Date().toISOString(),
      });
      const tell = (now: TaskStatus) =>
        events.publish(AgentEvent.statusUpdate({ taskId, contextId, status: now, metadata: undefined }));
      events.publish(
        AgentEvent.task({
          id: taskId,
          contextId,
          status: status(TaskState.TASK_STATE_WORKING),
          artifacts: task?.artifacts ?? [],
          history: task?.history ?? [userMessage],
          metadata: undefined,
        }),
      );
      const body: A2ARequest = {
        text: userMessage.parts.flatMap(({ content }) => (content?.$case === "text" ? [content.value] : [])).join("\n"),
        message: Message.toJSON(userMessage),
        taskId,
        contextId,
        user: context.user?.userName ?? "",
      };
      const id = `a2a-${hash("sha256", JSON.stringify([taskId, userMessage.messageId])).slice(0, 40)}`;
      try {
        await hand(
          bus.stream(agent, body, { id, ttlMs: TTL_MS, signal: given.signal }),
          events,
          { taskId, contextId },
          (state, text) => tell(status(state, text)),
        );
      } catch (error) {
        if (given.signal.aborted) return;
        // The SDK would log the error with its stack and the caller's text, and send its message to the client.
        onError(error);
        tell(status(TaskState.TASK_STATE_FAILED, "the agent could not be asked"));
      } finally {
        running.delete(taskId);
      }
    },

    async cancelTask(taskId, events) {
      running.get(taskId)?.abort();
      const now = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: new Date().toISOString() };
      events.publish(AgentEvent.statusUpdate({ taskId, contextId: "", status: now, metadata: undefined }));
    },
  };
}

/** Publishes an answer part by part, and its outcome. */
async function hand(
  answer: AsyncIterable<AnswerEvent>,
  events: ExecutionEventBus,
  of: { readonly taskId: string; readonly contextId: string },
  tell: (state: TaskState, text?: string) => void,
): Promise<void> {
  let begun = false;
  let said = false;
  const add = (part: Part, lastChunk: boolean) => {
    const artifact = {
      artifactId: ARTIFACT,
      name: ARTIFACT,
      description: "",
      parts: [part],
      metadata: undefined,
      extensions: [],
    };
    events.publish(AgentEvent.artifactUpdate({ ...of, artifact, append: begun, lastChunk, metadata: undefined }));
    begun = true;
  };
  for await (const event of answer) {
    if (event.kind === "text") {
      said = true;
      add(toPart(event.text), false);
    } else if (event.kind === "restarted") {
      // Earlier parts are void: the artifact starts over.
      begun = false;
    } else if (event.state === "handled") {
      if (!said && event.reply !== null) add(toPart(event.reply), true);
      tell(TaskState.TASK_STATE_COMPLETED);
    } else if (event.state === "expired") tell(TaskState.TASK_STATE_FAILED, "the agent did not answer in time");
    else if (event.reason === "cancelled") tell(TaskState.TASK_STATE_CANCELED);
    else {
      const why = event.message === undefined ? event.reason : `${event.reason}: ${event.message}`;
      tell(REFUSED.has(event.reason) ? TaskState.TASK_STATE_REJECTED : TaskState.TASK_STATE_FAILED, why);
    }
  }
}

/** Bounces before anybody handled the message. */
const REFUSED: ReadonlySet<string> = new Set([
  "absent",
  "draining",
  "full",
  "gone",
  "hops",
  "loop",
  "fan_out",
  "budget",
  "signature",
]);

function toPart(value: unknown): Part {
  const content = typeof value === "string" ? ({ $case: "text", value } as const) : ({ $case: "data", value } as const);
  const mediaType = typeof value === "string" ? "text/plain" : "application/json";
  return { content, metadata: undefined, filename: "", mediaType };
}

function agentMessage(taskId: string, contextId: string, text: string): Message {
  return {
    messageId: `${taskId}-${text.slice(0, 16).replaceAll(/\W/g, "-")}`,
    contextId,
    taskId,
    role: Role.ROLE_AGENT,
    parts: [toPart(text)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}
