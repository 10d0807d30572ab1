import { Task, TaskState, type ListTasksRequest, type ListTasksResponse } from "@a2a-js/sdk";
import { resolveUserScope, type ServerCallContext, type TaskStore } from "@a2a-js/sdk/server";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { allOf, decodeRecord, encodeKeyPart, encodeRecord, runScript, type ScopedRedis } from "../redis/index.ts";
import type { ResolvedA2AOptions } from "./options.ts";
import { toldAsInvalidParams } from "./refusals.ts";
import { listTasks, putTask } from "./scripts.gen.ts";

/** Returns true if a task in this state is final. */
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
  /** Reports that the task was saved. */
  saved(task: string): void;
  /** Reports that a task was read which contains the events up to this number. */
  loaded(task: string, position: number): void;
  /** Reports that an unfinished task was read which no process executes. */
  orphaned(task: Task, context: ServerCallContext): void;
}

interface Stored {
  readonly task: unknown;
  readonly position: number;
}

const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;
/** Most tasks that a list of one state or context looks at. */
const LOOK_MAX = 10_000;

/** Opens an agent's tasks in Redis, shared by all processes. */
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
        state: task.status?.state ?? TaskState.TASK_STATE_UNSPECIFIED,
        context: task.contextId,
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
    const { pageSize, pageToken, contextId, status, statusTimestampAfter, includeArtifacts = false } = params;
    const owner = ownerOf(context);
    const size = Math.min(PAGE_MAX, Math.max(1, pageSize ?? PAGE_DEFAULT));
    const [last_ms, last_id] = pageToken ? readToken(pageToken) : ["", ""];
    const after_ms = statusTimestampAfter ? Date.parse(statusTimestampAfter) : 0;
    if (Number.isNaN(after_ms))
      refuse("statusTimestampAfter", "a time of ISO 8601", statusTimestampAfter, "invalid_input");
    const state = status === undefined || status === TaskState.TASK_STATE_UNSPECIFIED ? "" : status;
    const asked = { owner, state, context: contextId, life_ms: taskTtlMs, after_ms, last_ms, last_id };
    const found: string[] = [];
    let total = 0;
    for (let from = 0; from >= 0 && from < LOOK_MAX;) {
      // One more than the page has tells whether there is a next one.
      const limit = size + 1 - found.length / 2;
      const reply = await runScript(redis, listTasks, { start }, { ...asked, from, limit });
      const [next, count, ...rows] = reply as readonly [number, number, ...string[]];
      [from, total] = [next, total + count];
      found.push(...rows);
    }
    const page = Array.from({ length: Math.min(size, found.length / 2) }, (_, nth) => found[2 * nth] as string);
    const commands = page.map((id) => ["GET", `${start}:task:${owner}/${id}`]);
    const records = page.length === 0 ? [] : allOf(await redis.pipeline(commands, { reply: "bytes" }));
    const tasks = records.flatMap((record) =>
      Buffer.isBuffer(record) ? [Task.fromJSON((decodeRecord(record) as Stored).task)] : [],
    );
    return {
      tasks: tasks
        .filter((task) => fits(task, params))
        .map((task) => (includeArtifacts ? task : { ...task, artifacts: [] })),
      nextPageToken: found.length > 2 * size ? toToken(found.slice(2 * size - 2, 2 * size)) : "",
      pageSize: size,
      totalSize: total,
    };
  }
}

/** Returns true if some process should execute it. */
export function isRunning(state: TaskState | undefined): boolean {
  return state === TaskState.TASK_STATE_WORKING || state === TaskState.TASK_STATE_SUBMITTED;
}

function fits(task: Task, { contextId, status, statusTimestampAfter }: ListTasksRequest): boolean {
  if (contextId !== "" && task.contextId !== contextId) return false;
  if (status !== undefined && status !== TaskState.TASK_STATE_UNSPECIFIED && task.status?.state !== status)
    return false;
  return !statusTimestampAfter || stampOf(task) > Date.parse(statusTimestampAfter);
}

/** The token of a page that begins behind a task. */
function toToken([id, stamp]: readonly string[]): string {
  return Buffer.from(`${stamp} ${id}`).toString("base64url");
}

function readToken(token: string): readonly [stamp: string, id: string] {
  const [stamp = "", id] = Buffer.from(token, "base64url").toString().split(" ");
  if (id === undefined || !/^\d{1,16}$/.test(stamp))
    throw new MarrowError("invalid_input", "pageToken must be a token that an earlier page returned", {
      details: { path: "pageToken" },
    });
  return [stamp, id];
}

function stampOf({ status }: Task): number {
  const stamp = Date.parse(status?.timestamp ?? "");
  return Number.isNaN(stamp) ? 0 : stamp;
}
