import { Role, TaskState, type Task } from "@a2a-js/sdk";
import {
  AgentEvent,
  ExecutionEventQueue,
  RequestContext,
  ResultManager,
  type AgentExecutor,
  type ExecutionEventBusManager,
  type PushNotificationSender,
  type PushNotificationStore,
  type ServerCallContext,
  type TaskStore,
} from "@a2a-js/sdk/server";
import { encodeKeyPart, checkScope, type ScopedRedis, type Subscription } from "../redis/index.ts";
import { resolveA2AOptions, type A2AOptions } from "./options.ts";
import { createPushSender, createPushStore } from "./push.ts";
import { createKeeper, type Keeper } from "./keeper.ts";
import { toRefusal } from "./refusals.ts";
import { createTaskBus, type TaskBus } from "./task-bus.ts";
import { createTaskStore, isRunning, ownerOf, type Positions } from "./tasks.ts";

/** Parts of a server of the A2A SDK, with state in Redis: any process serves any task. */
export interface A2A {
  readonly taskStore: TaskStore;
  readonly eventBusManager: ExecutionEventBusManager;
  readonly pushNotificationStore: PushNotificationStore;
  /** Queues notifications; `startA2APush` delivers them. */
  readonly pushNotificationSender: PushNotificationSender;
  /** Wraps an executor so that its tasks can be cancelled from any process, and with `resume` continue in another one if theirs died. */
  executor(executor: AgentExecutor): AgentExecutor;
  close(): Promise<void>;
}

/**
 * Makes the parts of an A2A server (`@a2a-js/sdk` 1) on Redis: `new DefaultRequestHandler(card, a2a.taskStore, a2a.executor(mine),
 * a2a.eventBusManager, a2a.pushNotificationStore, a2a.pushNotificationSender)`.
 * @throws MarrowError `invalid_option`
 */
export function createA2A(redis: ScopedRedis, a2aOptions: A2AOptions): A2A {
  const scoped = checkScope(redis);
  const options = resolveA2AOptions(scoped, a2aOptions);
  const { start, onError, resume } = options;
  const buses = new Map<string, TaskBus>();
  /** Tasks with events made here, until all are saved: their bus, and the number of saves. */
  const makers = new Map<string, { readonly bus: TaskBus; readonly keeper: Keeper; saves: number }>();
  const resuming = new Set<string>();
  let executor: AgentExecutor | undefined;
  let closed = false;
  let subscription: Promise<Subscription> | undefined;

  const keyOf = (task: string, context: ServerCallContext) => `${ownerOf(context)}/${encodeKeyPart("task", task)}`;

  const positions: Positions = {
    // An executor ends before its last event is saved; its bus is already closed then, but still has the numbers.
    async saving(key) {
      const maker = makers.get(key);
      return maker === undefined ? 0 : maker.bus.numberOf(maker.saves + 1);
    },
    saved(key) {
      const maker = makers.get(key);
      if (maker === undefined) return;
      maker.saves += 1;
      maker.keeper.saved();
    },
    loaded: (key, position) => buses.get(key)?.position(position),
    orphaned(task, context) {
      // A task without a running process is continued by the process that is asked for it.
      if (resume && !buses.has(keyOf(task.id, context))) void takeUp(task.id, context).catch(onError);
    },
  };
  const taskStore = createTaskStore(scoped, options, positions);
  const pushNotificationStore = createPushStore(scoped, options);
  const pushNotificationSender = createPushSender(scoped, pushNotificationStore, options);

  /** The bus of a task in this process; of a task that another process makes, one that follows. */
  function open(taskId: string, context: ServerCallContext, owns: boolean): TaskBus {
    const key = keyOf(taskId, context);
    let bus = buses.get(key);
    if (bus === undefined) {
      const keeper = createKeeper(taskStore, pushNotificationSender, context, { isOver: () => closed, onError });
      const made: TaskBus = createTaskBus(scoped, key, options, {
        onOrphan: () => void takeUp(taskId, context).catch(onError),
        onStop() {
          if (buses.get(key) === made) buses.delete(key);
          if (!made.isSaved()) forget(key, made);
        },
        onMade: keeper.made,
        onUnsaved() {
          keeper.takeOver();
          if (buses.get(key) !== made) forget(key, made);
        },
      });
      bus = made;
      buses.set(key, bus);
      makers.set(key, { bus, keeper, saves: 0 });
    }
    if (owns) void bus.own().catch(onError);
    else bus.follow();
    return bus;
  }

  /** Goes on with a task whose process is gone: executes it anew, or ends it as failed. */
  async function takeUp(taskId: string, context: ServerCallContext): Promise<void> {
    const key = keyOf(taskId, context);
    if (resuming.has(key)) return;
    resuming.add(key);
    try {
      const bus = open(taskId, context, true);
      if (!(await bus.own())) return;
      const task = await taskStore.load(taskId, context);
      const message = task?.history.findLast(({ role }) => role === Role.ROLE_USER);
      if (task === undefined || !isRunning(task.status?.state)) return bus.finished();
      const results = new ResultManager(taskStore, context);
      const events = new ExecutionEventQueue(bus);
      const kept = (async () => {
        for await (const event of events.events()) await results.processEvent(event);
      })();
      if (!resume || executor === undefined || message === undefined)
        bus.publish(AgentEvent.statusUpdate(failed(task)));
      else {
        const request = { tenant: context.tenant ?? "", message, configuration: undefined, metadata: undefined };
        await executor
          .execute(new RequestContext(request, task.id, task.contextId, context, task), bus)
          .catch(() => bus.publish(AgentEvent.statusUpdate(failed(task))));
      }
      await kept;
      bus.finished();
      cleanup(taskId, context);
    } finally {
      resuming.delete(key);
    }
  }

  function cleanup(taskId: string, context: ServerCallContext): void {
    const key = keyOf(taskId, context);
    const bus = buses.get(key);
    bus?.removeAllListeners();
    buses.delete(key);
    if (bus?.isSaved() === false) forget(key, bus);
  }

  /** Drops a task's maker once all of its events are saved. */
  function forget(key: string, bus: TaskBus): void {
    const maker = makers.get(key);
    if (maker?.bus !== bus) return;
    const over = () => makers.get(key) === maker && makers.delete(key);
    void maker.keeper.settled().then(over);
  }

  /** Subscribes to cancellations of this process's tasks by others. */
  function listen(): void {
    subscription ??= scoped
      .subscribe([`${start}:cancel`], (_, key) => {
        const bus = buses.get(key);
        if (bus?.isOwn() !== true) return;
        const taskId = decodeURIComponent(key.slice(key.indexOf("/") + 1));
        void executor?.cancelTask(taskId, bus).catch(onError);
      })
      .catch((error: unknown) => {
        subscription = undefined;
        onError(error);
        return { close: async () => {} };
      });
  }

  return {
    taskStore,
    pushNotificationStore,
    pushNotificationSender,
    eventBusManager: {
      createOrGetByTaskId(taskId, context) {
        listen();
        const bus = open(taskId, context as ServerCallContext, true);
        bus.expectSaver();
        return bus;
      },
      // There is always one: whether another process is at the task shows when it is followed.
      getByTaskId(taskId, context) {
        try {
          return open(taskId, context as ServerCallContext, false);
        } catch (error) {
          throw toRefusal(error);
        }
      },
      cleanupByTaskId: (taskId, context) => cleanup(taskId, context as ServerCallContext),
    },
    executor(given) {
      executor = given;
      return {
        execute: (request, bus) => given.execute(request, bus),
        async cancelTask(taskId, bus) {
          const own = [...buses].find(([, known]) => known === bus);
          if (own === undefined || own[1].isOwn()) return given.cancelTask(taskId, bus);
          await scoped.send(["PUBLISH", `${start}:cancel`, own[0]]);
        },
      };
    },
    async close() {
      closed = true;
      for (const bus of buses.values()) bus.stop();
      await (await subscription)?.close();
    },
  };
}

function failed({ id, contextId }: Pick<Task, "id" | "contextId">) {
  const status = { state: TaskState.TASK_STATE_FAILED, message: undefined, timestamp: new Date().toISOString() };
  return { taskId: id, contextId, status, metadata: undefined };
}
