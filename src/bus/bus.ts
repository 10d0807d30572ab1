import { checkScope, type ScopedRedis } from "../redis/index.ts";
import { createAgents, type AgentCard, type Agents } from "./agents.ts";
import { createBoard, type Board } from "./board.ts";
import { openInbox, type Agent, type LetterHandler } from "./inbox.ts";
import { busKey } from "./keys.ts";
import { createLive, type Live, type TopicShapes } from "./live.ts";
import { takeLock, type Held, type LockOptions } from "./lock.ts";
import { createPostOffice, type Mail, type Receipts } from "./mail.ts";
import { resolveBusOptions, type BusOptions, type RegisterOptions } from "./options.ts";
import { createTopic, type Topic } from "./topic.ts";
import type { TopicOptions } from "./topic-options.ts";
import { listTopics, type TopicsOptions, type TopicsPage } from "./topics.ts";

/** Messaging between the agents of a scope: ephemeral messages, durable topics, inboxes, requests, presence, locks, boards. */
export interface Bus<S extends TopicShapes = TopicShapes> extends Live<S>, Agents, Mail, Receipts {
  /** Returns a handle on a durable topic. */
  topic<T = unknown>(name: string, options?: TopicOptions): Topic<T>;
  /** Lists the scope's durable topics by name, with statistics. Two round trips. */
  topics(options?: TopicsOptions): Promise<TopicsPage>;
  /** Registers an agent in this process. Several processes may run the same agent. */
  register<T = unknown>(card: AgentCard, handler: LetterHandler<T>, options?: RegisterOptions): Promise<Agent>;
  /** Takes a lock; `undefined` if it was not free in time. */
  lock(name: string, options?: LockOptions): Promise<Held | undefined>;
  /** Returns a small board that agents share. */
  board<T = unknown>(name: string): Board<T>;
  /** Ends the bus's subscriptions. Close agents and readers separately. */
  close(): Promise<void>;
}

/** Opens the bus of a scope. @throws MarrowError `invalid_option` */
export function createBus<S extends TopicShapes = TopicShapes>(
  redis: ScopedRedis,
  busOptions: BusOptions = {},
): Bus<S> {
  const scoped = checkScope(redis);
  const options = resolveBusOptions(busOptions);
  const bus = busKey(scoped);
  const agents = createAgents(scoped, bus, options);
  const mail = createPostOffice(scoped, bus, options);
  const { as, close, ...receipts } = mail;
  return {
    ...createLive<S>(scoped, options),
    ...agents,
    ...as({}),
    ...receipts,
    topic: (name, topicOptions) => createTopic(scoped, name, topicOptions),
    topics: (page) => listTopics(scoped, page),
    register: (card, handler, registerOptions = {}) =>
      openInbox(scoped, bus, { mail, agents, options }, card, handler as LetterHandler, registerOptions),
    lock: (name, lockOptions = {}) => takeLock(scoped, name, lockOptions),
    board: (name) => createBoard(scoped, name),
    close,
  };
}
