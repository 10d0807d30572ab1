import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Bus } from "../bus/index.ts";
import type { Embedder } from "../embedders/index.ts";
import type { ChatModel, ModelInfo, Prices, Standing } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";
import type { Stores } from "../stores/index.ts";
import type { Accounts } from "./tenancy/accounts.ts";
import type { Batches } from "./batches/batches.ts";
import type { Caches } from "./caches/index.ts";
import type { ApiKeys, Principal } from "./tenancy/api-keys.ts";
import type { Draining } from "./http/draining.ts";
import type { KeyUsers } from "./tenancy/key-users.ts";
import type { LaneGates } from "./tenancy/lanes.ts";
import type { Limits } from "./limits/index.ts";
import type { Metrics } from "./http/metrics.ts";
import type { Readiness } from "./http/readiness.ts";
import type { Savings } from "./tenancy/savings.ts";
import type { Spend } from "./tenancy/spend.ts";
import type { StoredBytes } from "./tenancy/stored-bytes.ts";
import type { Tenant } from "./tenancy/tenants.ts";

/** Dependencies of routes. */
export interface GatewayApp {
  readonly app: FastifyInstance;
  readonly redis: Redis;
  /** Redis of the cache: the same, or a second one. */
  readonly cacheRedis: Redis;
  readonly tenants: (scope: string) => Tenant;
  /** Returns the model for an id. */
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly listModels: () => Promise<readonly ModelInfo[]>;
  readonly embedder: Embedder | undefined;
  /** Returns the vector stores and files of a scope. @throws MarrowError `unsupported` without an embedder */
  readonly stores: (scope: string) => Stores;
  /** The bus of a scope. */
  readonly buses: (scope: string) => Bus;
  /** The named caches of a scope. */
  readonly caches: (scope: string) => Caches;
  /** The declared limits of a scope. */
  readonly limits: (scope: string) => Limits;
  /** The batches of a scope. */
  readonly batches: (scope: string) => Batches;
  readonly keys: ApiKeys;
  readonly keyUsers: KeyUsers;
  readonly storedBytes: StoredBytes;
  readonly metrics: Metrics;
  readonly accounts: Accounts;
  readonly spend: Spend;
  readonly savings: Savings;
  readonly prices: Prices;
  readonly lanes: Pick<LaneGates, "open"> | undefined;
  /** Tells all gateways of this Redis to reload their configuration. */
  readonly reload: (() => Promise<number>) | undefined;
  /** Returns the health of the upstreams in routes; absent if models are passed one by one. */
  readonly standings: (() => readonly Standing[]) | undefined;
  readonly draining: Draining;
  /** Returns the state of Redis, and of the cache's if that is another one. */
  readonly readiness: () => Promise<Readiness>;
  readonly cacheReadiness: (() => Promise<Readiness>) | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Holder of the API key; set before any handler except public ones. */
    principal: Principal;
    /** The body as it came; `undefined` for a request without JSON. */
    kept: Buffer | undefined;
    /** Its answer; set before its body is read. */
    answer: ServerResponse;
  }
  interface FastifyContextConfig {
    /** Served without an API key. */
    open?: boolean;
  }
}

/** Stores a request's original body, for models that can get it unchanged. */
export function keepBody(request: FastifyRequest, bytes: Buffer): void {
  request.kept = bytes;
}

/** Returns the original body of a request; `undefined` for one without JSON. */
export function bodyOf(request: FastifyRequest): Buffer | undefined {
  return request.kept;
}
