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

/** What agents of a scope speak over: messages of the moment, durable topics, inboxes, requests, presence, locks, boards. */
export interface Bus<S extends TopicShapes = TopicShapes> extends Live<S>, Agents, Mail, Receipts {
  /** A durable topic. */
  topic<T = unknown>(name: string, options?: TopicOptions): Topic<T>;
  /** Lists the scope's durable topics by name, and how each stands. Two round trips. */
  topics(options?: TopicsOptions): Promise<TopicsPage>;
  /** Registers an agent in this process; several processes may be one agent. */
  register<T = unknown>(card: AgentCard, handler: LetterHandler<T>, options?: RegisterOptions): Promise<Agent>;
  /** Takes a lock; `undefined` when it was not free in time. */
  lock(name: string, options?: LockOptions): Promise<Held | undefined>;
  /** A small board that agents share. */
  board<T = unknown>(name: string): Board<T>;
  /** Ends what the bus listens to; agents and readers are closed by themselves. */
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
