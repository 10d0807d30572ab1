export type {
  AgentCard,
  AgentInfo,
  AgentsOptions,
  AgentsPage,
  AgentState,
  FindOptions,
  PresenceEvent,
  Skill,
} from "./agents.ts";
export type { Board, Entry, Put } from "./board.ts";
export { createBus, type Bus } from "./bus.ts";
export type { BounceReason, CallTree, MessageState, Receipt, TreeMessage } from "./envelope.ts";
export type { Agent, Letter, LetterHandler } from "./inbox.ts";
export type { LiveMessage, Missed, SubscribeOptions, TopicShapes } from "./live.ts";
export type { Held, LockOptions } from "./lock.ts";
export type { Answer, AnswerEvent, RequestOptions } from "./mail.ts";
export type { BusOptions, RegisterOptions, SendOptions, TreeLimits } from "./options.ts";
export type { Reader, ReadOptions } from "./reader.ts";
export {
  createTopic,
  type DeadLetter,
  type NewMessage,
  type Published,
  type PublishOptions,
  type Topic,
} from "./topic.ts";
export type { Message, MessageHandler, TopicOptions } from "./topic-options.ts";
export type { TopicGroup, TopicsOptions, TopicsPage, TopicStats } from "./topics.ts";
