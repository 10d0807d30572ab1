export { ERROR_CODES, MarrowError, type ErrorCode, type ErrorCodeInfo, type MarrowErrorOptions } from "./errors.ts";
export {
  connect,
  fromIoredis,
  fromNodeRedis,
  type Ability,
  type Argument,
  type Capabilities,
  type Command,
  type ConnectOptions,
  type NodeRedisClient,
  type NodeRedisCluster,
  type Redis,
  type RedisOptions,
  type Reply,
  type ScopedRedis,
  type SendOptions,
  type Subscription,
} from "./redis/index.ts";
