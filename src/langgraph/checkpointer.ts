import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  compareWritesSortKeys,
  copyCheckpoint,
  getCheckpointId,
  maxChannelVersion,
  TASKS,
  WRITES_IDX_MAP,
  writesSortKey,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import {
  boundRounds,
  checkScope,
  decodeKeyPart,
  encodeKeyPart,
  keyTag,
  runScript,
  type ScopedRedis,
} from "../redis/index.ts";
import { putCheckpoint, putWrites, readCheckpoint } from "./scripts.gen.ts";
import { dump, load, toPart } from "./stored.ts";

/** Options of {@link MarrowSaver}. */
export interface MarrowSaverOptions {
  /** Name of this checkpointer within its scope. */
  readonly name: string;
  /** TTL of a thread after its last use, in milliseconds, up to 366 days; it expires as a whole. @default no expiry */
  readonly ttlMs?: number | undefined;
  readonly serde?: SerializerProtocol | undefined;
}

/** Record of a checkpoint, without the versioned values, which are stored once for all checkpoints. */
interface Kept {
  readonly checkpoint: Omit<Checkpoint, "channel_values"> & { readonly channel_values: Record<string, unknown> };
  readonly metadata: CheckpointMetadata;
  readonly parent?: string | undefined;
}

const PAGE = 64;
const TTL_MS_MAX = 366 * 86_400_000;

/**
 * LangGraph's checkpoints in Redis. A thread is in one slot, and a channel's value is stored once for all checkpoints that have it. `put`,
 * `putWrites` and `getTuple` are one round trip and one script each, without searching keys. Needs no modules.
 */
export class MarrowSaver extends BaseCheckpointSaver {
  readonly #redis: ScopedRedis;
  readonly #name: string;
  readonly #ttlMs: number;
  /** Threads that this process has added to the list of threads. */
  readonly #listed = new Set<string>();

  constructor(redis: ScopedRedis, { name, ttlMs, serde }: MarrowSaverOptions) {
    super(serde);
    this.#redis = checkScope(redis);
    this.#name = checkText("name", name, 128);
    this.#ttlMs = ttlMs === undefined ? 0 : checkInteger("ttlMs", ttlMs, { min: 1, max: TTL_MS_MAX });
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    if (config.configurable?.["thread_id"] === undefined) return undefined;
    const thread = threadOf(config);
    const id = getCheckpointId(config);
    return this.#read(thread, `${toPart(namespaceOf(config))}|${toPart(id)}`);
  }

  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { filter, before } = options;
    let left = options.limit ?? Infinity;
    const wanted = config.configurable ?? {};
    const beforeId = before === undefined ? "" : getCheckpointId(before);
    for await (const thread of this.#threads(wanted["thread_id"])) {
      for await (const member of this.#members(thread, wanted["checkpoint_ns"])) {
        const id = decodeKeyPart(member.slice(member.indexOf("|") + 1));
        if (wanted["checkpoint_id"] !== undefined && id !== wanted["checkpoint_id"]) continue;
        if (beforeId !== "" && id >= beforeId) continue;
        if (left <= 0) return;
        const tuple = await this.#read(thread, member);
        const metadata = (tuple?.metadata ?? {}) as Record<string, unknown>;
        const matches = Object.entries(filter ?? {}).every(([name, value]) => ownField(metadata, name) === value);
        if (tuple === undefined || !matches) continue;
        left -= 1;
        yield tuple;
      }
    }
  }

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const thread = threadOf(config);
    const namespace = namespaceOf(config);
    const parent = getCheckpointId(config);
    const { channel_values: values, ...rest } = copyCheckpoint(checkpoint);
    const fields: string[] = [];
    const fresh: (string | Buffer)[] = [];
    const unversioned: Record<string, unknown> = Object.create(null);
    for (const [channel, version] of Object.entries(rest.channel_versions)) {
      const field = [toPart(namespace), toPart(channel), toPart(String(version))].join("|");
      fields.push(field);
      if (Object.hasOwn(newVersions, channel) && Object.hasOwn(values, channel))
        fresh.push(field, await dump(this.serde, values[channel]));
    }
    for (const [channel, value] of Object.entries(values))
      if (!Object.hasOwn(rest.channel_versions, channel)) unversioned[channel] = value;
    const kept: Kept = {
      checkpoint: { ...rest, channel_values: unversioned },
      metadata,
      ...(parent !== "" && { parent }),
    };
    await this.#list(thread);
    await runScript(this.#redis, putCheckpoint, this.#keys(thread), {
      member: `${toPart(namespace)}|${toPart(checkText("checkpoint.id", checkpoint.id, 256, "invalid_input"))}`,
      record: await dump(this.serde, kept),
      channels: fields.join("\n"),
      ttl_ms: this.#ttlMs,
      fresh,
    });
    return toConfig(thread, namespace, checkpoint.id);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const thread = threadOf(config);
    const id = getCheckpointId(config);
    if (id === "") refuse("configurable.checkpoint_id", "a checkpoint's id", undefined, "invalid_input");
    const member = `${toPart(namespaceOf(config))}|${toPart(id)}`;
    const added = await Promise.all(
      writes.map(async ([channel, value], at) => {
        const place = ownField(WRITES_IDX_MAP, channel) ?? at;
        const record = await dump(this.serde, { taskId, place, taskPath, channel, value });
        // Errors, interrupts and the like have a place of their own, where the last one counts.
        return [`${member}|${toPart(taskId)}|${place}`, record, place < 0 ? 1 : 0];
      }),
    );
    if (added.length === 0) return;
    const values = { member, ttl_ms: this.#ttlMs, added: added.flat() };
    await runScript(this.#redis, putWrites, this.#keys(thread), values);
  }

  async deleteThread(threadId: string): Promise<void> {
    const { order, checkpoints, values, writes } = this.#keys(threadId);
    await this.#redis.send(["UNLINK", order, checkpoints, values, writes], { retry: "safe" });
    this.#listed.delete(threadId);
    await this.#redis.send(["ZREM", this.#threadsKey(), encodeKeyPart("thread_id", threadId)], { retry: "safe" });
  }

  async #read(thread: string, member: string): Promise<CheckpointTuple | undefined> {
    const values = { member, ttl_ms: this.#ttlMs };
    const reply = await runScript(this.#redis, readCheckpoint, this.#keys(thread), values, { reply: "bytes" });
    if (!Array.isArray(reply)) return undefined;
    const [found, record, count, ...pairs] = reply as [Buffer, Buffer, number, ...Buffer[]];
    const [namespace = "", id = ""] = String(found).split("|").map(decodeKeyPart);
    const { checkpoint, metadata, parent } = (await load(this.serde, record)) as Kept;
    for (let at = 0; at < count * 2; at += 2) {
      const channel = decodeKeyPart(String(pairs[at]).split("|")[1] ?? "");
      checkpoint.channel_values[channel] = await load(this.serde, pairs[at + 1] as Buffer);
    }
    const pendingWrites = await this.#toWrites(pairs.slice(count * 2));
    if (checkpoint.v < 4 && parent !== undefined) await this.#addPendingSends(checkpoint, thread, namespace, parent);
    return {
      config: toConfig(thread, namespace, id),
      checkpoint,
      metadata,
      pendingWrites,
      ...(parent !== undefined && { parentConfig: toConfig(thread, namespace, parent) }),
    };
  }

  async #toWrites(pairs: readonly Buffer[]): Promise<CheckpointPendingWrite[]> {
    interface Write {
      readonly taskId: string;
      readonly place: number;
      readonly taskPath: string;
      readonly channel: string;
      readonly value: unknown;
    }
    const records = pairs.filter((_, at) => at % 2 === 1);
    const writes = await Promise.all(records.map(async (record) => (await load(this.serde, record)) as Write));
    const keyOf = ({ taskPath, taskId, place }: Write) => writesSortKey(taskPath, taskId, place);
    return writes
      .toSorted((a, b) => compareWritesSortKeys(keyOf(a), keyOf(b)))
      .map(({ taskId, channel, value }) => [taskId, channel, value]);
  }

  /** Adds the sends of tasks that checkpoints of older LangGraph versions stored with their parents' writes. */
  async #addPendingSends(checkpoint: Checkpoint, thread: string, namespace: string, parent: string): Promise<void> {
    const { pendingWrites = [] } = (await this.#read(thread, `${toPart(namespace)}|${toPart(parent)}`)) ?? {};
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[TASKS] = pendingWrites.flatMap(([, channel, value]) =>
      channel === TASKS ? [value] : [],
    );
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  /** Yields the members of a thread's order, newest first within each namespace. */
  async *#members(thread: string, namespace: string | undefined): AsyncGenerator<string> {
    const start = namespace === undefined ? undefined : `${toPart(namespace)}|`;
    let from = start === undefined ? "+" : `(${start}~`;
    const to = start === undefined ? "-" : `[${start}`;
    const round = boundRounds("the list of a thread's checkpoints");
    for (;;) {
      round();
      const page = ["ZREVRANGEBYLEX", this.#keys(thread).order, from, to, "LIMIT", "0", String(PAGE)];
      const members = (await this.#redis.send(page)) as readonly string[];
      yield* members;
      if (members.length < PAGE) return;
      from = `(${members.at(-1)}`;
    }
  }

  /** Yields the requested thread, or all of the scope; expired ones are removed from the list. */
  async *#threads(wanted: unknown): AsyncGenerator<string> {
    if (wanted !== undefined) {
      yield threadOf({ configurable: { thread_id: wanted } });
      return;
    }
    let from = "-";
    const round = boundRounds("the list of threads");
    for (;;) {
      round();
      const page = ["ZRANGEBYLEX", this.#threadsKey(), from, "+", "LIMIT", "0", String(PAGE)];
      const threads = (await this.#redis.send(page)) as readonly string[];
      for (const thread of threads) {
        const id = decodeKeyPart(thread);
        if (Number(await this.#redis.send(["EXISTS", this.#keys(id).order])) === 1) yield id;
        else await this.#redis.send(["ZREM", this.#threadsKey(), thread], { retry: "safe" });
      }
      if (threads.length < PAGE) return;
      from = `(${threads.at(-1)}`;
    }
  }

  async #list(thread: string): Promise<void> {
    if (this.#listed.has(thread)) return;
    await this.#redis.send(["ZADD", this.#threadsKey(), "0", encodeKeyPart("thread_id", thread)], { retry: "safe" });
    if (this.#listed.size >= 10_000) this.#listed.clear();
    this.#listed.add(thread);
  }

  #threadsKey(): string {
    return `${keyTag(this.#redis)}:graph:${encodeKeyPart("name", this.#name)}:threads`;
  }

  #keys(thread: string) {
    const start = `${keyTag(this.#redis, [thread])}:graph:${encodeKeyPart("name", this.#name)}`;
    return {
      order: `${start}:order`,
      checkpoints: `${start}:checkpoints`,
      values: `${start}:values`,
      writes: `${start}:writes`,
    };
  }
}

function threadOf({ configurable }: RunnableConfig): string {
  const thread: unknown = configurable?.["thread_id"];
  if (thread === undefined)
    throw new MarrowError("invalid_input", "configurable.thread_id is required: it identifies the thread", {
      details: { path: "configurable.thread_id" },
    });
  return checkText("configurable.thread_id", thread, 512, "invalid_input");
}

function namespaceOf({ configurable }: RunnableConfig): string {
  const namespace: unknown = configurable?.["checkpoint_ns"] ?? "";
  if (namespace === "") return "";
  return checkText("configurable.checkpoint_ns", namespace, 4_096, "invalid_input");
}

function toConfig(thread: string, namespace: string, id: string): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } };
}
