export { orAnew } from "./anew.ts";
export type { Ability, Capabilities } from "./capabilities.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export type { Credentials, CredentialsProvider } from "./credentials.ts";
export { readSecret, type Secret, type TlsOptions } from "./secrets.ts";
export type {
  Argument,
  Command,
  Line,
  Redis,
  Reply,
  ScopedRedis,
  SendOptions,
  SubscribeOptions,
  Subscription,
} from "./connection.ts";
export type { RedisOptions } from "./driver.ts";
export { cannotServe, OUTAGES, outageOf, verdictOf, type OutageState, type Verdict } from "./failure.ts";
export { createFieldOrder, type FieldOrder, type FieldOrderOptions } from "./field-order.ts";
export { isDamage, unlessDamaged } from "./damage.ts";
export { fromIoredis } from "./from-ioredis.ts";
export {
  fromNodeRedis,
  type NodeRedisClient,
  type NodeRedisCluster,
  type NodeRedisSentinel,
} from "./from-node-redis.ts";
export { decodeKeyPart, encodeKeyPart, keyTag, shortKeyPart } from "./keys.ts";
export {
  decodeRecord,
  decodeRecordBody,
  decodeMeasured,
  decodeRecordInTurns,
  encodePlain,
  encodePlainBeside,
  encodePlainInTurns,
  jsonOf,
  encodeRecord,
  encodeLargeRecordBody,
  encodeRecordBody,
  encodeRecordBodyBeside,
  readRecord,
  unreadableOf,
  type Unreadable,
} from "./record.ts";
export { allOf, toFields, toStreams, type StreamEntry } from "./replies.ts";
export { mayEvictAnything, readServerFacts, warningsOf, type ServerFacts } from "./server-facts.ts";
export { boundRounds } from "./rounds.ts";
export { routed } from "./routing.ts";
export { runScript, type Script } from "./script.ts";
export { checkScope } from "./scope.ts";
export { checkShards, type ShardCheck } from "./shards.ts";
export type { ConnectionListener } from "./watching.ts";
export { carrierText, keepTraces, readTrace, TRACE_MS } from "./traces.ts";
