import { Task, TaskState, type ListTasksRequest, type ListTasksResponse } from "@a2a-js/sdk";
import { resolveUserScope, type ServerCallContext, type TaskStore } from "@a2a-js/sdk/server";
import { MarrowError } from "../errors.ts";
import { allOf, decodeRecord, encodeKeyPart, encodeRecord, runScript, type ScopedRedis } from "../redis/index.ts";
import type { ResolvedA2AOptions } from "./options.ts";
import { toldAsInvalidParams } from "./refusals.ts";
import { putTask } from "./scripts.gen.ts";

/** Whether a task in this state changes no more. */
export function isTerminal(state: TaskState | undefined): boolean {
  return state !== undefined && TERMINAL.has(state);
}

const TERMINAL: ReadonlySet<TaskState> = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_REJECTED,
]);

/** Returns the owner of a call's tasks: the tenant's user. */
export function ownerOf(context: ServerCallContext): string {
  return encodeKeyPart("owner", JSON.stringify([context.tenant ?? "", resolveUserScope(context)]));
}

/** Positions that the store and the buses of one process share. */
export interface Positions {
  /** Returns the number of the last event in the task to be saved next; 0 if unknown. */
  saving(task: string): Promise<number>;
  /** The task was saved. */
  saved(task: string): void;
  /** A task was read that holds the events up to this number. */
  loaded(task: string, position: number): void;
  /** A task was read that goes on, and no process has it. */
  orphaned(task: Task, context: ServerCallContext): void;
}

interface Stored {
  readonly task: unknown;
  readonly position: number;
}

const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;
/** Most tasks that a list reads. */
const LOOK_MAX = 10_000;

/** Tasks in Redis, for all processes of an agent. */
export function createTaskStore(
  redis: ScopedRedis,
  { start, taskTtlMs, tasksMax }: ResolvedA2AOptions,
  positions: Positions,
): TaskStore {
  const keyOf = (owner: string, id: string) => `${start}:task:${owner}/${encodeKeyPart("task", id)}`;

  return {
    async save(task, context) {
      const owner = ownerOf(context);
      const id = encodeKeyPart("task", task.id);
      const record = encodeRecord({
        task: Task.toJSON(task),
        position: await positions.saving(`${owner}/${id}`),
      } satisfies Stored);
      const values = {
        owner,
        id,
        record,
        ended: isTerminal(task.status?.state) ? 1 : 0,
        stamp_ms: stampOf(task) || Date.now(),
        life_ms: taskTtlMs,
        room: tasksMax,
      };
      await runScript(redis, putTask, { start }, values);
      positions.saved(`${owner}/${id}`);
    },

    load: (taskId, context) => toldAsInvalidParams(() => load(taskId, context)),

    list: (params, context) => toldAsInvalidParams(() => list(params, context)),
  };

  async function load(taskId: string, context: ServerCallContext): Promise<Task | undefined> {
    const owner = ownerOf(context);
    const id = encodeKeyPart("task", taskId);
    const commands = [
      ["GET", keyOf(owner, taskId)],
      ["EXISTS", `${start}:holder:${owner}/${id}`],
    ];
    const [record, held] = allOf(await redis.pipeline(commands, { reply: "bytes" }));
    if (!Buffer.isBuffer(record)) return undefined;
    const { task, position } = decodeRecord(record) as Stored;
    const read = Task.fromJSON(task);
    positions.loaded(`${owner}/${id}`, position);
    if (held === 0 && isRunning(read.status?.state)) positions.orphaned(read, context);
    return read;
  }

  async function list(params: ListTasksRequest, context: ServerCallContext): Promise<ListTasksResponse> {
    const owner = ownerOf(context);
    const ids = (await redis.send([
      "ZREVRANGE",
      `${start}:order:${owner}`,
      "0",
      String(LOOK_MAX - 1),
    ])) as readonly string[];
    const commands = ids.map((id) => ["GET", `${start}:task:${owner}/${id}`]);
    const records = allOf(await redis.pipeline(commands, { reply: "bytes" }));
    const all = records.flatMap((record) =>
      Buffer.isBuffer(record) ? [Task.fromJSON((decodeRecord(record) as Stored).task)] : [],
    );
    return toPage(
      all.filter((task) => fits(task, params)),
      params,
    );
  }
}

/** Whether somebody should be at it. */
export function isRunning(state: TaskState | undefined): boolean {
  return state === TaskState.TASK_STATE_WORKING || state === TaskState.TASK_STATE_SUBMITTED;
}

function fits(task: Task, { contextId, status, statusTimestampAfter }: ListTasksRequest): boolean {
  if (contextId !== "" && task.contextId !== contextId) return false;
  if (status !== undefined && status !== TaskState.TASK_STATE_UNSPECIFIED && task.status?.state !== status)
    return false;
  return !statusTimestampAfter || stampOf(task) > Date.parse(statusTimestampAfter);
}

function toPage(
  tasks: readonly Task[],
  { pageSize, pageToken, includeArtifacts = false }: ListTasksRequest,
): ListTasksResponse {
  const size = Math.min(PAGE_MAX, Math.max(1, pageSize ?? PAGE_DEFAULT));
  const sorted = tasks.toSorted((a, b) => stampOf(b) - stampOf(a) || b.id.localeCompare(a.id));
  let from = 0;
  if (pageToken) {
    const [stamp = Number.NaN, id] = Buffer.from(pageToken, "base64url").toString().split(" ");
    if (id === undefined || Number.isNaN(Number(stamp)))
      throw new MarrowError("invalid_input", "pageToken must be a token that an earlier page returned", {
        details: { path: "pageToken" },
      });
    from = sorted.findIndex(
      (task) => stampOf(task) < Number(stamp) || (stampOf(task) === Number(stamp) && task.id < id),
    );
    if (from === -1) from = sorted.length;
  }
  const page = sorted.slice(from, from + size);
  const last = page.at(-1);
  const more = last !== undefined && from + size < sorted.length;
  return {
    tasks: page.map((task) => (includeArtifacts ? task : { ...task, artifacts: [] })),
    nextPageToken: more ? Buffer.from(`${stampOf(last)} ${last.id}`).toString("base64url") : "",
    pageSize: size,
    totalSize: sorted.length,
  };
}

function stampOf({ status }: Task): number {
  const stamp = Date.parse(status?.timestamp ?? "");
  return Number.isNaN(stamp) ? 0 : stamp;
}
