import { fastify, LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { z } from "zod";
import { createBus, type Bus } from "../bus/index.ts";
import type { Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { createPrices, routeModels, type ChatModel, type Prices } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";
import { createAccounts } from "./tenancy/accounts.ts";
import { createApiKeys, isOwnKey, NOBODY, type Principal } from "./tenancy/api-keys.ts";
import { tellLost } from "./tenancy/lost-keys.ts";
import { startBackground, type Background } from "./background.ts";
import { createBatches } from "./batches/batches.ts";
import { createCaches } from "./caches/index.ts";
import { loadGuards, loadProofs } from "../cache/index.ts";
import { checkCacheJudge } from "./models/cache-judge.ts";
import { resolveConfig, type GatewayConfigInput } from "./config/config.ts";
import { logRequests } from "./http/access-log.ts";
import { countAnswers } from "./http/answered.ts";
import { boundConnections, toServerOptions } from "./http/connections.ts";
import { guardDoor } from "./http/door.ts";
import { watchRequests, type Draining } from "./http/draining.ts";
import { toErrorAnswer } from "./http/error-body.ts";
import { bearerOf } from "./tenancy/identity.ts";
import { rewriteUrl } from "./http/aliases.ts";
import { allowOrigins } from "./http/cors.ts";
import { acceptEmptyBodies } from "./http/empty-body.ts";
import { acceptEncodings } from "./http/encodings.ts";
import { acceptIdempotencyKeys } from "./http/idempotency.ts";
import { acceptJson } from "./http/json-body.ts";
import { describeApi } from "./http/openapi.ts";
import { noteRoutes, pathOf, type Route } from "./http/not-found.ts";
import { toLogger } from "./http/logger.ts";
import { sendError } from "./http/send-error.ts";
import { signalRequests } from "./http/signals.ts";
import { toRequestId } from "./http/request-id.ts";
import { hookRoutes } from "./http/route-hooks.ts";
import { refuseAmbiguous } from "./http/target.ts";
import { asStrings } from "./http/long-fields.ts";
import { noBody, parseBody, prepareBody, toInputError } from "./http/input-error.ts";
import { createInside } from "./http/inside.ts";
import { createKeyUsers } from "./tenancy/key-users.ts";
import { admitNamedUsers } from "./tenancy/named-users.ts";
import type { LaneGates } from "./tenancy/lanes.ts";
import { createLimits } from "./limits/index.ts";
import { createMetrics } from "./http/metrics.ts";
import type { ModelSource } from "./models/model-source.ts";
import { readPriceFile, unboundBudgets } from "./config/price-file.ts";
import { resourceOf } from "./routes.ts";
import { RESOURCES } from "./tenancy/ownership.ts";
import type { GatewayApp } from "./parts.ts";
import { registerA2A } from "./agents/a2a.ts";
import { registerAdministration } from "./admin/administration.ts";
import { checkUse, confineViewers, isAdministration } from "./admin/guard.ts";
import { createPulse, withPulse } from "./admin/pulse.ts";
import { createSignIns, type SignIns } from "./dashboard/sign-ins.ts";
import { registerBatches } from "./openai/batches.ts";
import { registerCaches } from "./roles/caches.ts";
import { registerChat } from "./openai/chat.ts";
import { speaksAnthropic, toAnthropicError } from "./anthropic/error-shape.ts";
import { registerMessages } from "./anthropic/messages.ts";
import { registerConversations } from "./openai/conversations.ts";
import { registerEmbeddings } from "./openai/embeddings.ts";
import { registerForms } from "./openai/forms.ts";
import { registerHealth } from "./http/health.ts";
import { writeLargeInTurns } from "./http/large-answer.ts";
import { registerLimits } from "./roles/limits.ts";
import { registerMcp } from "./agents/mcp-route.ts";
import { registerMemories } from "./openai/memories.ts";
import { registerModels } from "./openai/models.ts";
import { registerResponseExtras } from "./openai/response-extras.ts";
import { registerResponses } from "./openai/responses.ts";
import { openResponsesSocket } from "./responses/socket.ts";
import { registerTaskWorkers } from "./roles/task-workers.ts";
import { registerTasks } from "./roles/tasks.ts";
import { registerVectorStores } from "./openai/vector-stores.ts";
import { registerWebhooks } from "./roles/webhooks.ts";
import { registerQuotas } from "./tenancy/quotas.ts";
import { createReadiness } from "./http/readiness.ts";
import { tellRights } from "./http/rights-watch.ts";
import { createStoredBytes } from "./tenancy/stored-bytes.ts";
import { createSavings } from "./tenancy/savings.ts";
import { createSpend } from "./tenancy/spend.ts";
import { createTenants, createTenantStores, remember } from "./tenancy/tenants.ts";
import { createTurnBytes } from "./tenancy/turn-bytes.ts";
import { watchEventLoop } from "./http/watchdog.ts";

/** Options of a gateway. */
export interface GatewayOptions {
  readonly redis: Redis;
  /** Redis of the cache, its flights and embeddings. @default `redis` */
  readonly cacheRedis?: Redis | undefined;
  /** Models, of which the first that serves an id is used; or their source. */
  readonly models: readonly ChatModel[] | ModelSource;
  /** Embedder of the semantic cache and `/v1/embeddings`. */
  readonly embedder?: Embedder | undefined;
  /** Opens the lanes of the models' endpoints, for `/v1/admin/lanes`. @default none */
  readonly lanes?: Pick<LaneGates, "open"> | undefined;
  /** Tells all gateways of this Redis to reload their configuration; returns how many received the message. @default unsupported */
  readonly reload?: (() => Promise<number>) | undefined;
  /** Any part of the configuration. */
  readonly config?: GatewayConfigInput | undefined;
  /** Destination of log lines, each JSON. @default standard output */
  readonly log?: { write(line: string): void } | undefined;
}

/** Characters of one part of a path: a name of 256 characters fits, each escaped in nine. */
const PARAM_CHARS_MAX = 2_304;
const NOTHING = { promptTokens: 0, completionTokens: 0 };
/** Most models without a price that are reported. */
const UNPRICED_MAX = 1_000;

/** A gateway without an open port. */
export interface OpenGateway {
  readonly app: FastifyInstance;
  /** Returns all of its routes. */
  readonly routes: () => readonly Route[];
  /** Sign-ins to its dashboard; `undefined` if that is off. */
  readonly signIns: SignIns | undefined;
  /** Stops it without failing a request. */
  readonly draining: Draining;
  /** Starts the background work. Ends with `close`, before the application. `alone`: batches leave no time for requests, as there are none. */
  readonly startBackground: (options?: { readonly alone?: boolean }) => Background;
}

/**
 * Makes the gateway: an OpenAI-compatible HTTP application without an open port. Use `app.inject` in tests, `app.listen` or `serve` to open
 * one, or mount `app.routing` in your own server.
 * @throws MarrowError `invalid_option` for an invalid configuration
 */
export function createGateway(options: GatewayOptions): FastifyInstance {
  return openGateway(options).app;
}

/** Makes the gateway together with its background work, which any process may run, with a port or without. */
export function openGateway(options: GatewayOptions): OpenGateway {
  const { redis, cacheRedis = redis, embedder, models } = options;
  const config = resolveConfig(options.config);
  const app = fastify({
    logger: toLogger(config.logLevel, options.log),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.bodyBytesMax,
    genReqId: toRequestId,
    rewriteUrl,
    // One logger for all: a child for each request costs more than the lines it would ever write.
    childLoggerFactory: (logger) => logger,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply as FastifyReply),
    ...toServerOptions(config.http),
  });
  signalRequests(app);
  const draining = watchRequests(app);
  const routes = noteRoutes(app);
  describeApi(app);
  writeLargeInTurns(app);
  boundConnections(app, config.http, draining.idle);
  refuseAmbiguous(app, config);
  // The first request should not wait for the word lists.
  if (embedder !== undefined && config.cache.enabled && config.cache.semantic) loadProofs();
  else if (config.cache.enabled) loadGuards();
  const lookAtRights = () => rights.look();
  const readiness = createReadiness(redis, lookAtRights, () =>
    app.log.error("Redis lost its data: the mark of this installation is gone, and API keys and data with it"),
  );
  const cacheReadiness = cacheRedis === redis ? undefined : createReadiness(cacheRedis, lookAtRights);
  const rights = tellRights(app, [readiness, ...(cacheReadiness === undefined ? [] : [cacheReadiness])]);
  const pulse = createPulse();
  const onDenied = (code: string) => void (code === "redis_denied" && rights.look());
  const metrics = withPulse(createMetrics(config.spendLabels, onDenied), pulse);
  const keys = createApiKeys(redis, tellLost(app));
  const signIns = config.dashboard.enabled ? createSignIns(redis, keys, config) : undefined;
  const source = "find" in models && "standings" in models ? models : undefined;
  const { find: findAny, list: listModels } = source ?? routeModels(models as readonly ChatModel[]);
  source?.listen({ onAsked: metrics.asked, onHealth: metrics.healthy });
  for (const { upstream, model, standing } of source?.standings() ?? [])
    metrics.healthy(upstream, model, standing === "well");
  const accounts = createAccounts(redis, config);
  const spend = createSpend(redis, config.spend, (error) =>
    metrics.degraded("spend", MarrowError.is(error) ? error.code : "internal"),
  );
  const savings = createSavings(redis, config.spend, (error) =>
    metrics.degraded("spend", MarrowError.is(error) ? error.code : "internal"),
  );
  const { onUnpriced } = config;
  const table = createPrices(config.prices, { onUnpriced, file: readPriceFile(config.pricesFile) });
  const unbound = unboundBudgets(config, table);
  if (unbound !== undefined)
    app.log.warn(unbound, "the budgets of these plans have no effect on models without a price");
  /** Returns the model for an id, if its price is known or not needed. @throws MarrowError `invalid_input` */
  function findModel(id: string): ChatModel | undefined {
    const model = findAny(id);
    if (model !== undefined && onUnpriced === "refuse" && table.costOf(id, NOTHING) === undefined)
      throw new MarrowError("invalid_input", "this gateway refuses models without a price", {
        details: { path: "model" },
      });
    return model;
  }
  const prices = saysOnce(table, (model) =>
    app.log.warn({ model }, "no price is known for this model, so it counts as free"),
  );
  const inside = createInside(app);
  checkCacheJudge(config, findModel);
  let working = false;
  const turnBytes = createTurnBytes(redis, config.limits.enabled ? config.limits.scopeBytes : Infinity, (error) =>
    metrics.degraded("quotas", MarrowError.is(error) ? error.code : "internal"),
  );
  logRequests(app, config.logLevel, config.accessLog);
  app.addHook("onClose", async () => metrics.close());
  app.addHook("onClose", () => turnBytes.flush());
  const tenantParts = {
    turnBytes,
    redis,
    cacheRedis,
    config,
    embedder,
    findModel,
    metrics,
    prices,
    spend,
    savings,
    works: () => working,
  };
  const tenants = createTenants(tenantParts);
  const stores = createTenantStores(tenantParts);

  app.removeAllContentTypeParsers();
  const watchdog = watchEventLoop({
    stallMs: config.eventLoop.stallMs,
    onDelay: (seconds) => metrics.looped(seconds),
    onStall(stall) {
      metrics.stalled(stall.route, stall.step);
      app.log.warn(stall, "the event loop was held");
    },
  });
  app.addHook("onClose", async () => watchdog.close());
  const { arrivals, room: bodies } = acceptJson(app, config.json, watchdog);
  app.setValidatorCompiler<z.ZodType>(({ schema }) => {
    prepareBody(schema);
    return (value) => {
      const parsed = parseBody(schema, asStrings(value));
      // The value itself goes on, not the parsed copy: unknown fields reach the model untouched.
      return parsed.success ? { value } : { error: value === null ? noBody() : toInputError(parsed.error) };
    };
  });
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    const { error, allow } = routes.explain(request.method, pathOf(request.url));
    if (allow !== undefined) reply.header("allow", allow);
    const { status, body } = toErrorAnswer(error);
    return reply.code(status).send(speaksAnthropic(request) ? toAnthropicError(body, status, request.id) : body);
  });
  /** Returns the holder of a request's key, synchronously if cached. @throws MarrowError `unauthorized` */
  function identify(request: Pick<FastifyRequest, "headers">): Principal | Promise<Principal> {
    const key = bearerOf(request);
    // With authentication off, a key of this gateway still identifies its caller; clients that require a key may send any other.
    const nobody = config.auth === "off" && !isOwnKey(key);
    return (nobody ? NOBODY : keys.remembered(key)) ?? keys.identify(key);
  }
  /** The same on routes of the administration, where a person may be signed in by a cookie. */
  async function identifyAdmin(request: FastifyRequest): Promise<Principal> {
    return (await signIns?.identify(request))?.principal ?? identify(request);
  }
  const door = guardDoor(app, config);
  app.decorateRequest("principal");
  app.decorateRequest("kept");
  allowOrigins(app, config.cors);
  acceptEmptyBodies(app);
  acceptEncodings(app, arrivals);
  acceptIdempotencyKeys(app, redis, turnBytes);
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    request.answer = reply.raw;
    if (request.routeOptions.config.open === true) return done();
    const own = inside.principalOf(request);
    if (own !== undefined) {
      request.principal = own;
      return done();
    }
    const known = isAdministration(request) ? identifyAdmin(request) : identify(request);
    if (!(known instanceof Promise)) {
      request.principal = known;
      return done();
    }
    known.then((principal) => {
      request.principal = principal;
      done();
    }, done);
  });
  hookRoutes(app, (method, url) => {
    const resource = resourceOf(method, url);
    if (resource === undefined || RESOURCES[resource] !== "keeper") return undefined;
    return {
      onRequest(request, _, done) {
        if (request.principal.actsFor === "any") return done();
        done(new MarrowError("forbidden", `a ${resource} is shared: this needs a key that acts for any user`));
      },
    };
  });
  confineViewers(app);
  const keyUsers = createKeyUsers(redis, config.limits);
  admitNamedUsers(app, keyUsers, config);
  const storedBytes = createStoredBytes(redis, config.limits.enabled ? config.limits.scopeBytes : 2 ** 50);
  registerQuotas({ app, redis, config, metrics, inside, storedBytes, embedder, remember });
  countAnswers(app, metrics);

  app.addHook("onClose", async () => void (await Promise.all([spend.flush(), savings.flush()])));
  const batches = remember((scope) => createBatches(redis, scope, stores, config, turnBytes));
  const caches = remember((scope) => createCaches({ ...tenantParts, storedBytes }, scope));
  const limits = remember((scope) => createLimits(redis.scope(scope), turnBytes));
  const opened: Bus[] = [];
  const buses = remember((scope) => {
    const embed =
      embedder === undefined ? {} : { embed: async (text: string) => (await embedder.embed([text]))[0] ?? [] };
    const bus = createBus(redis.scope(scope), embed);
    opened.push(bus);
    return bus;
  });
  app.addHook("onClose", async () => void (await Promise.all(opened.map((bus) => bus.close()))));
  const parts: GatewayApp = {
    app,
    redis,
    cacheRedis,
    tenants,
    findModel,
    listModels,
    embedder,
    stores,
    buses,
    caches,
    limits,
    batches,
    keys,
    keyUsers,
    storedBytes,
    metrics,
    accounts,
    spend,
    savings,
    prices,
    lanes: options.lanes,
    standings: source?.standings,
    reload: options.reload,
    draining,
    readiness,
    cacheReadiness,
  };
  registerHealth(parts);
  registerModels(parts);
  registerChat(parts, config);
  registerMessages(parts, config);
  registerResponses(parts, config);
  registerResponseExtras(parts);
  openResponsesSocket(parts, { config, identify: async (request) => checkUse(await identify(request)), door, bodies });
  registerBatches(parts);
  registerTasks(parts);
  registerTaskWorkers(parts);
  registerWebhooks(parts, config.webhooks);
  registerA2A(parts, config, door);
  registerConversations(parts);
  registerMemories(parts);
  registerMcp(parts);
  registerCaches(parts);
  registerLimits(parts);
  registerEmbeddings(parts);
  registerForms(parts, config);
  registerVectorStores(parts);
  registerAdministration(parts, { config, pulse, signIns, askAs: inside.askAs });

  return {
    app,
    routes: routes.list,
    signIns,
    draining,
    startBackground({ alone = false } = {}) {
      const background = startBackground({ ...parts, config, askAs: inside.askAs, alone });
      working = true;
      return {
        async close() {
          working = false;
          await background.close();
        },
      };
    },
  };
}

/** Wraps prices to report each model without a price once. */
function saysOnce(prices: Prices, say: (model: string) => void): Prices {
  const said = new Set<string>();
  return {
    costOf(model, used) {
      const cost = prices.costOf(model, used);
      if (cost === undefined && !said.has(model) && said.size < UNPRICED_MAX) {
        said.add(model);
        say(model);
      }
      return cost;
    },
  };
}
