import { randomUUID } from "node:crypto";
import type { MastraDBMessage } from "@mastra/core/agent";
import type { StorageThreadType } from "@mastra/core/memory";
import {
  filterByDateRange,
  jsonValueEquals,
  MemoryStorage,
  storageMessageMatchesMetadataFilter,
  type StorageCloneThreadInput,
  type StorageCopyThreadOutput,
  type StorageListMessagesByResourceIdInput,
  type StorageListMessagesInput,
  type StorageListMessagesOutput,
  type StorageListThreadsInput,
  type StorageListThreadsOutput,
  type StorageResourceType,
} from "@mastra/core/storage";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import { APPEND_MAX, createMemory, type Kept, type Memory, type Session } from "../memory/index.ts";
import { checkScope, type ScopedRedis } from "../redis/index.ts";
import { chooseMessages, mergeMessage, toMessage, toMessages, toTurn, type MessageChange } from "./message.ts";
import { paged } from "./page.ts";
import { createPlaces, type MessagePlace, type Places, type ThreadPlace } from "./places.ts";
import { createResources, type ResourceChange, type Resources } from "./resources.ts";
import { toRecord, toThread } from "./thread.ts";

const DAY_MS = 86_400_000;
/** Turns in one read. */
const PAGE = 1_000;
/** Sessions in one page of a user's list. */
const SESSIONS_PAGE = 100;
/** Threads of one resource that a list reads, last changed first. */
const THREADS_MAX = 1_000;

/** Options of {@link MarrowThreads}. */
export interface MarrowThreadsOptions {
  /** Name of the memory within its scope, whose sessions are the threads. */
  readonly name: string;
  /** TTL of a thread after its last use, in milliseconds, 1 to 366 days. @default 2_592_000_000 (30 days) */
  readonly threadTtlMs?: number | undefined;
  /** Messages kept per thread, 1 to 100,000; older ones are trimmed. @default 1_000 */
  readonly messagesMax?: number | undefined;
}

/**
 * Mastra's `memory` storage on Marrow's sessions: a thread is a session of its resource (the user), a message is a turn. So the gateway and
 * other frameworks read the same conversations. A resource's working memory is stored beside them.
 *
 * ```ts new MastraCompositeStore({ id: "marrow", domains: { memory: new MarrowThreads(redis.scope("acme"), { name: "support" }) } }) ```
 */
export class MarrowThreads extends MemoryStorage {
  override readonly supportsPartialThreadUpdate = true;
  readonly #memory: Memory;
  readonly #threads: Places<ThreadPlace>;
  readonly #messages: Places<MessagePlace>;
  readonly #resources: Resources;

  /** Makes no round trip. @throws MarrowError `invalid_option` */
  constructor(redis: ScopedRedis, { name, threadTtlMs = 30 * DAY_MS, messagesMax = 1_000 }: MarrowThreadsOptions) {
    super();
    const scoped = checkScope(redis);
    const ttlMs = checkInteger("threadTtlMs", threadTtlMs, { min: 1, max: 366 * DAY_MS });
    const turnsMax = checkInteger("messagesMax", messagesMax, { min: 1, max: 100_000 });
    this.#memory = createMemory(scoped, { name: checkText("name", name, 128), sessionTtlMs: ttlMs, turnsMax });
    this.#threads = createPlaces(scoped, { kind: "thread", name, ttlMs });
    this.#messages = createPlaces(scoped, { kind: "message", name, ttlMs });
    this.#resources = createResources(createPlaces(scoped, { kind: "resource", name, ttlMs }));
  }

  /** @throws MarrowError `unsupported`: delete threads individually, or a user's data by `memory.forget` */
  async dangerouslyClearAll(): Promise<void> {
    throw new MarrowError(
      "unsupported",
      "the threads of a scope cannot be deleted all at once: delete each one, or forget a user",
    );
  }

  async getThreadById({
    threadId,
    resourceId,
  }: {
    threadId: string;
    resourceId?: string;
  }): Promise<StorageThreadType | null> {
    const place = resourceId === undefined ? await this.#threads.find(threadId) : { resourceId };
    return place === undefined ? null : this.#readThread(place.resourceId, threadId);
  }

  async saveThread({ thread }: { thread: StorageThreadType }): Promise<StorageThreadType> {
    const record = toRecord(thread);
    const session = this.#session(thread.resourceId, thread.id);
    await this.#threads.put(thread.id, { resourceId: thread.resourceId });
    if (!(await session.create(record))) await session.describe(record);
    return thread;
  }

  /** Changes a thread. Of two concurrent changes the later one wins. @throws MarrowError `not_found` */
  async updateThread({
    id,
    title,
    metadata,
  }: {
    id: string;
    title?: string;
    metadata?: Record<string, unknown>;
  }): Promise<StorageThreadType> {
    const thread = await this.#thread(id);
    return this.saveThread({
      thread: {
        ...thread,
        ...(title !== undefined && { title }),
        metadata: { ...thread.metadata, ...metadata },
        updatedAt: new Date(),
      },
    });
  }

  async deleteThread({ threadId }: { threadId: string }): Promise<void> {
    const place = await this.#threads.find(threadId);
    if (place === undefined) return;
    await this.#session(place.resourceId, threadId).clear();
    await this.#threads.remove(threadId);
  }

  async listThreads({
    page = 0,
    perPage,
    orderBy,
    filter,
  }: StorageListThreadsInput): Promise<StorageListThreadsOutput> {
    const { field, direction } = this.parseOrderBy(orderBy);
    this.validatePaginationInput(page, perPage ?? SESSIONS_PAGE);
    this.validateMetadataKeys(filter?.metadata);
    const resourceId = filter?.resourceId;
    if (resourceId === undefined)
      throw new MarrowError("unsupported", "filter.resourceId must be given: threads are listed for one user", {
        details: { path: "filter.resourceId" },
      });
    const wanted = Object.entries(filter?.metadata ?? {});
    const threads = (await this.#threadsOf(resourceId))
      .filter(({ metadata = {} }) => wanted.every(([key, value]) => jsonValueEquals(ownField(metadata, key), value)))
      .toSorted((a, b) => (direction === "ASC" ? 1 : -1) * (a[field].getTime() - b[field].getTime()));
    return paged("threads", threads, { page, perPage, byDefault: SESSIONS_PAGE });
  }

  async listMessages({ threadId, resourceId, ...query }: StorageListMessagesInput): Promise<StorageListMessagesOutput> {
    const ids = [threadId].flat();
    const messages: MastraDBMessage[] = [];
    for (const id of ids)
      messages.push(...(await this.#messagesOf(checkText("threadId", id, 512, "invalid_input"), resourceId)));
    return this.#select(messages, query, resourceId);
  }

  override async listMessagesByResourceId({
    resourceId,
    ...query
  }: StorageListMessagesByResourceIdInput): Promise<StorageListMessagesOutput> {
    const messages: MastraDBMessage[] = [];
    for (const { id } of await this.#threadsOf(resourceId)) messages.push(...(await this.#messagesOf(id, resourceId)));
    return this.#select(messages, query, resourceId);
  }

  async listMessagesById({ messageIds }: { messageIds: string[] }): Promise<{ messages: MastraDBMessage[] }> {
    const found = await Promise.all(messageIds.map((id) => this.#find(id)));
    return { messages: found.flatMap((one) => (one === undefined ? [] : [one.message])) };
  }

  /** Stores messages; one with the same id is replaced. Messages of one thread are stored all or none. */
  async saveMessages({ messages }: { messages: MastraDBMessage[] }): Promise<{ messages: MastraDBMessage[] }> {
    for (const [threadId, own] of Map.groupBy(messages, (message) => message.threadId)) {
      if (threadId === undefined) refuse("threadId", "the id of a thread in each message", threadId, "invalid_input");
      const resourceId = own[0]?.resourceId ?? (await this.#thread(threadId)).resourceId;
      await this.#save(resourceId, threadId, own);
    }
    return { messages };
  }

  async updateMessages({ messages }: { messages: MessageChange[] }): Promise<MastraDBMessage[]> {
    const updated: MastraDBMessage[] = [];
    for (const change of messages) {
      const found = await this.#find(checkText("id", change.id, 512, "invalid_input"));
      if (found === undefined) continue;
      const message = mergeMessage(found.message, change);
      const { threadId = found.place.threadId } = message;
      const resourceId =
        threadId === found.place.threadId ? found.place.resourceId : (await this.#thread(threadId)).resourceId;
      await this.#save(resourceId, threadId, [message]);
      updated.push({ ...message, threadId, resourceId });
    }
    return updated;
  }

  override async deleteMessages(messageIds: string[]): Promise<void> {
    for (const id of messageIds) {
      const found = await this.#find(id);
      if (found === undefined) continue;
      await this.#session(found.place.resourceId, found.place.threadId).remove(found.place.sequence);
      await this.#messages.remove(id);
    }
  }

  override async getResourceById({ resourceId }: { resourceId: string }): Promise<StorageResourceType | null> {
    return (await this.#resources.find(resourceId)) ?? null;
  }

  override async saveResource({ resource }: { resource: StorageResourceType }): Promise<StorageResourceType> {
    return this.#resources.save(resource);
  }

  /** Changes a resource. Of two concurrent changes the later one wins. */
  override async updateResource({
    resourceId,
    ...change
  }: ResourceChange & { resourceId: string }): Promise<StorageResourceType> {
    return this.#resources.update(resourceId, change);
  }

  override async copyThread({
    sourceThreadId,
    newThreadId = randomUUID(),
    resourceId,
    title,
    metadata,
    options,
  }: StorageCloneThreadInput): Promise<StorageCopyThreadOutput> {
    const source = await this.#thread(sourceThreadId);
    if ((await this.getThreadById({ threadId: newThreadId })) !== null)
      throw new MarrowError("conflict", "there is a thread of this id", { details: { path: "newThreadId" } });
    const kept = chooseMessages(await this.#messagesOf(sourceThreadId, source.resourceId), options);
    const now = new Date();
    const owner = resourceId ?? source.resourceId;
    const lastMessageId = kept.at(-1)?.id;
    const thread: StorageThreadType = {
      id: newThreadId,
      resourceId: owner,
      title: title ?? (source.title === undefined ? "" : `Clone of ${source.title}`),
      createdAt: now,
      updatedAt: now,
      metadata: {
        ...metadata,
        clone: { sourceThreadId, clonedAt: now, ...(lastMessageId !== undefined && { lastMessageId }) },
      },
    };
    await this.saveThread({ thread });
    const copies = kept.map((message) => ({ ...message, id: randomUUID(), threadId: newThreadId, resourceId: owner }));
    await this.#save(owner, newThreadId, copies);
    return { thread, messageIdMap: Object.fromEntries(kept.map(({ id }, at) => [id, copies[at]?.id ?? id])) };
  }

  override async updateThreadResourceId({
    threadId,
    resourceId,
  }: {
    threadId: string;
    resourceId: string;
  }): Promise<StorageThreadType> {
    const thread = await this.#thread(threadId);
    if (thread.resourceId === resourceId) return thread;
    const messages = await this.#messagesOf(threadId, thread.resourceId);
    const moved = await this.saveThread({ thread: { ...thread, resourceId, updatedAt: new Date() } });
    await this.#save(
      resourceId,
      threadId,
      messages.map((message) => ({ ...message, resourceId })),
    );
    await this.#session(thread.resourceId, threadId).clear();
    return moved;
  }

  #session(resourceId: string, threadId: string): Session {
    return this.#memory.session({ user: resourceId, id: threadId });
  }

  /** @throws MarrowError `not_found` */
  async #thread(id: string): Promise<StorageThreadType> {
    const thread = await this.getThreadById({ threadId: id });
    if (thread === null)
      throw new MarrowError("not_found", "there is no thread of this id", { details: { path: "threadId" } });
    return thread;
  }

  async #readThread(resourceId: string, id: string): Promise<StorageThreadType | null> {
    const info = await this.#session(resourceId, id).info();
    return info === undefined ? null : toThread(resourceId, id, info.metadata, info.createdAtMs);
  }

  /** Lists a resource's threads, last changed first. */
  async #threadsOf(resourceId: string): Promise<readonly StorageThreadType[]> {
    const threads: StorageThreadType[] = [];
    for (let after: string | undefined, more = true; more && threads.length < THREADS_MAX;) {
      const { data, cursor } = await this.#memory.sessions({ user: resourceId, after, limit: SESSIONS_PAGE });
      threads.push(...data.map(({ id, metadata, createdAtMs }) => toThread(resourceId, id, metadata, createdAtMs)));
      after = cursor;
      more = cursor !== undefined;
    }
    return threads;
  }

  /** Returns a thread's messages, oldest first; none if it belongs to another resource. */
  async #messagesOf(threadId: string, resourceId: string | undefined): Promise<readonly MastraDBMessage[]> {
    const owner = resourceId ?? (await this.#threads.find(threadId))?.resourceId;
    if (owner === undefined) return [];
    const turns: Kept[] = [];
    for (let after = 0, newest = 1; after < newest;) {
      const read = await this.#session(owner, threadId).read({ after, limit: PAGE });
      turns.push(...read.turns);
      after = Math.max(after, read.oldest - 1) + PAGE;
      newest = read.version;
    }
    const broken = turns.find(({ unreadable }) => unreadable !== undefined);
    if (broken?.unreadable !== undefined)
      throw new MarrowError(broken.unreadable, `message ${broken.sequence} of the thread cannot be read`);
    return toMessages(turns, { threadId, resourceId: owner, sinceMs: 0 });
  }

  /** Appends messages to a thread, and removes those that they replace. */
  async #save(resourceId: string, threadId: string, messages: readonly MastraDBMessage[]): Promise<void> {
    const replaced = await Promise.all(messages.map(({ id }) => this.#find(id)));
    const session = this.#session(resourceId, threadId);
    for (let at = 0; at < messages.length; at += APPEND_MAX) {
      const part = messages.slice(at, at + APPEND_MAX);
      const { version } = await session.append(part.map((message) => toTurn({ ...message, threadId, resourceId })));
      await Promise.all(
        part.map(({ id }, nth) =>
          this.#messages.put(id, { resourceId, threadId, sequence: version - part.length + 1 + nth }),
        ),
      );
    }
    for (const old of replaced) {
      if (old === undefined) continue;
      await this.#session(old.place.resourceId, old.place.threadId).remove(old.place.sequence);
    }
  }

  /** Finds a message by its id. If its session was emptied meanwhile, the location may have another message, or none. */
  async #find(id: string): Promise<{ readonly message: MastraDBMessage; readonly place: MessagePlace } | undefined> {
    const place = await this.#messages.find(id);
    if (place === undefined) return undefined;
    const { turns } = await this.#session(place.resourceId, place.threadId).read({
      after: place.sequence - 1,
      limit: 1,
    });
    const kept = turns.find(({ sequence }) => sequence === place.sequence);
    const message = kept === undefined ? undefined : toMessage(kept, { ...place, sinceMs: 0 });
    return message?.id === id ? { message, place } : undefined;
  }

  async #select(
    messages: readonly MastraDBMessage[],
    { page = 0, perPage, filter, orderBy, include = [] }: Omit<StorageListMessagesByResourceIdInput, "resourceId">,
    resourceId: string | undefined,
  ): Promise<StorageListMessagesOutput> {
    const { direction } = this.parseOrderBy(orderBy, "ASC");
    this.validatePaginationInput(page, perPage ?? 40);
    const sort = (list: readonly MastraDBMessage[]) =>
      list.toSorted((a, b) => (direction === "ASC" ? 1 : -1) * (a.createdAt.getTime() - b.createdAt.getTime()));
    const wanted = filterByDateRange([...messages], ({ createdAt }) => createdAt, filter?.dateRange).filter(
      ({ content }) => storageMessageMatchesMetadataFilter(content, filter?.metadata),
    );
    const answer = paged("messages", sort(wanted), { page, perPage, byDefault: 40 });
    const shown = new Map(answer.messages.map((message) => [message.id, message]));
    for (const { id, withPreviousMessages = 0, withNextMessages = 0 } of include) {
      const found = await this.#find(id);
      if (found === undefined || (resourceId !== undefined && found.place.resourceId !== resourceId)) continue;
      const around = await this.#messagesOf(found.place.threadId, found.place.resourceId);
      const at = around.findIndex((message) => message.id === id);
      for (const message of around.slice(Math.max(0, at - withPreviousMessages), at + withNextMessages + 1))
        shown.set(message.id, message);
    }
    return { ...answer, messages: sort([...shown.values()]) };
  }
}
