import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { WebSocket, WebSocketServer } from "ws";
import { MarrowError } from "../../errors.ts";
import { describe } from "../../internal/describe.ts";
import { parseCacheControl } from "../../flow/index.ts";
import { toLimitHeaders } from "../../limiter/http/index.ts";
import type { Principal } from "../tenancy/api-keys.ts";
import { askerOf } from "../tenancy/asker.ts";
import type { GatewayConfig } from "../config/config.ts";
import { toErrorAnswer, toRefusal, type ErrorAnswer } from "../http/error-body.ts";
import { openDeparture } from "../http/outlet.ts";
import { toKnownPath } from "../http/aliases.ts";
import { toRawAnswer } from "../http/raw-answer.ts";
import { ambiguityOf } from "../http/target.ts";
import { onWebSocket } from "../http/upgrades.ts";
import type { Door } from "../http/door.ts";
import { parseBody, toInputError } from "../http/input-error.ts";
import { LONG_BYTES, type BodyRoom } from "../http/body-room.ts";
import { readBounded } from "../http/large-json.ts";
import { toJson } from "../../internal/json-pieces.ts";
import type { JsonBudget } from "../../internal/json-budget.ts";
import type { GatewayApp } from "../parts.ts";
import { createLocalResponses, type LocalResponses } from "./local.ts";
import { responseBody, type ResponseRequest } from "./request.ts";
import type { Fields } from "../../internal/fields.ts";
import { createTurnPacer } from "../../internal/time-slice.ts";
import { workFor } from "../../internal/working-for.ts";
import { header, sessionHeader } from "../tenancy/identity.ts";
import type { Reservation } from "../tenancy/reservations.ts";
import { beginTurn } from "./turn.ts";

/** Most concurrent connections of this process. */
const SOCKETS_MAX = 1_000;
/** Messages of one connection beside the current turn: they wait, or run in parallel in other lanes. */
const WAITING_MAX = 16;
/** Characters of the `stream_id` of a message. */
const LANE_CHARS_MAX = 256;
/** Lifetime of a connection, in milliseconds: an hour, as at OpenAI. */
const LIFE_MS = 3_600_000;
/** Ping interval of a connection, in milliseconds; one that does not answer until the next ping is closed. */
const PING_MS = 30_000;

/** Pings of a client within the time between two of the server's own. */
const PINGS_MAX = 300;
/** WebSocket status for a message over the bound. */
const TOO_LARGE = 1009;
/** WebSocket status for a client with too many requests. */
const TOO_MUCH = 1008;

/** WebSocket status for a stopping server. */
const GOING_AWAY = 1001;

/** Dependencies of the socket beside the gateway's parts. */
export interface SocketParts {
  readonly config: GatewayConfig;
  readonly identify: (request: Pick<FastifyRequest, "headers">) => Principal | Promise<Principal>;
  readonly door: Door;
  /** The room of long messages, which bodies of requests share. */
  readonly bodies: BodyRoom;
}

/** A WebSocket that sends an event before it closes on a message that is too large, because clients do not read the closing status. */
class ToldSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if (code === TOO_LARGE && this.readyState === this.OPEN)
      this.send(JSON.stringify(toErrorEvent(413, "too_large", "a message is larger than a request body may be")));
    super.close(code, data);
  }
}

/**
 * Registers the WebSocket of `/v1/responses` (Open Responses 2026-04-24). Each `response.create` is a turn; its events are those of an HTTP
 * stream, one message each. Turns run one after another; turns with different values of `stream_id` run side by side, and each event repeats
 * the `stream_id` of its turn. A response with `store: false` can be continued only within its connection. If a turn fails, the connection
 * forgets the response that the turn continued. API keys, limits and users work as over HTTP, and are checked again for each turn.
 */
export function openResponsesSocket(parts: GatewayApp, { config, identify, door, bodies }: SocketParts): void {
  const { app } = parts;
  const server = new WebSocketServer({
    noServer: true,
    WebSocket: ToldSocket,
    maxPayload: config.bodyBytesMax,
    perMessageDeflate: false,
    // One message or ping per turn of the event loop, so that thousands in one packet do not block it.
    allowSynchronousEvents: false,
  });

  onWebSocket(app.server, (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    void admitSocket(request).then(
      ({ scope }) => server.handleUpgrade(request, socket, head, (opened) => serve(opened, request, scope)),
      (error: unknown) => socket.end(toRawAnswer(toErrorAnswer(error))),
    );
  });
  const pace = createTurnPacer();
  const waitingOn = new Map<WebSocket, () => void>();
  parts.draining.signal.addEventListener("abort", () => {
    for (const closeIfIdle of waitingOn.values()) closeIfIdle();
  });
  app.addHook("preClose", () => {
    for (const client of server.clients) client.terminate();
    server.close();
  });

  async function admitSocket(request: IncomingMessage): Promise<Principal> {
    const ambiguous = ambiguityOf(request, request.url ?? "/");
    if (ambiguous !== undefined) throw ambiguous;
    const { path } = toKnownPath((request.url ?? "/").split("?")[0] ?? "/");
    if (path !== "/v1/responses")
      throw new MarrowError("not_found", `No WebSocket is served at ${path.slice(0, 120)}.`);
    const { host, origin } = request.headers;
    if (config.auth === "off" && !(door.knowsHost(host) && (origin === undefined || door.knowsOrigin(origin, host))))
      throw new MarrowError("forbidden", "the Host or Origin header is not allowed", { details: { path: "host" } });
    if (server.clients.size >= SOCKETS_MAX)
      throw new MarrowError("rate_limited", "this gateway has as many WebSockets open as it allows", {
        details: { retryAfterMs: 1_000 },
      });
    return identify(request);
  }

  function serve(socket: WebSocket, request: IncomingMessage, scope: string): void {
    const local = createLocalResponses();
    const lanes = createLanes();
    // Each turn listens for the client's disconnect.
    socket.setMaxListeners(2 * WAITING_MAX);
    /** Number of requested turns that have not ended. */
    let turns = 0;
    /** Messages are read one after another, so that each joins its lane in its turn. */
    let reading: Promise<void> = Promise.resolve();
    let [alive, pings] = [true, 0];
    const ping = setInterval(() => {
      if (!alive && !socket.isPaused) return socket.terminate();
      [alive, pings] = [false, 0];
      socket.ping();
    }, PING_MS);
    const life = setTimeout(() => {
      const message = "A WebSocket lives for 60 minutes. Open a new one.";
      void send(socket, toErrorEvent(400, "websocket_connection_limit_reached", message));
      socket.close(1000);
    }, LIFE_MS);
    socket.on("pong", () => (alive = true));
    socket.on("ping", () => {
      pings += 1;
      if (pings === PINGS_MAX) socket.close(TOO_MUCH, `at most ${PINGS_MAX} pings in ${PING_MS / 1_000} seconds`);
    });
    socket.on("error", () => {
      // The event about a message that is too large may still be in flight; closing has its own timeout.
      if (socket.readyState !== socket.CLOSING) socket.terminate();
    });
    const closeIfIdle = () => {
      if (turns === 0 && parts.draining.signal.aborted) socket.close(GOING_AWAY, "this process is stopping");
    };
    waitingOn.set(socket, closeIfIdle);
    closeIfIdle();
    const closed = new AbortController();
    socket.on("close", () => {
      closed.abort();
      waitingOn.delete(socket);
      clearInterval(ping);
      clearTimeout(life);
    });
    socket.on("message", (data, isBinary) => {
      if (turns > WAITING_MAX) {
        const message = `at most ${WAITING_MAX} messages may wait on a connection`;
        void send(socket, toErrorEvent(429, "rate_limit_exceeded", message));
        return;
      }
      turns += 1;
      // Of a connection one long message waits for room. What comes behind it is not read until then.
      if (!isBinary && (data as Buffer).length >= LONG_BYTES) socket.pause();
      reading = reading.then(() => workFor({ owner: scope }, () => take(isBinary ? undefined : (data as Buffer))));
    });

    async function take(data: Buffer | undefined): Promise<void> {
      const [leave, message] = await readInRoom(data);
      lanes.add(message.lane, async () => {
        if ("error" in message) await send(socket, inLane(message.lane, toEvent(toErrorAnswer(message.error))));
        else await turn(socket, request, local, message);
        leave();
        turns -= 1;
        closeIfIdle();
      });
    }

    /** Reads a message once there is room for it. Never rejects. */
    async function readInRoom(data: Buffer | undefined): Promise<readonly [leave: () => void, message: Message]> {
      try {
        const leave = await bodies.hold(scope, data?.length ?? 0, closed.signal);
        return [leave, await readMessage(scope, data, config.json)];
      } catch (error) {
        return [() => {}, { error, lane: undefined }];
      } finally {
        if ((data?.length ?? 0) >= LONG_BYTES) goOn();
      }
    }

    function goOn(): void {
      // Pongs were not read meanwhile.
      alive = true;
      socket.resume();
    }
  }

  /** Runs one turn and sends its events. Never rejects. */
  async function turn(
    socket: WebSocket,
    { headers }: IncomingMessage,
    local: LocalResponses,
    { body, prepares, lane, bytes }: Asked,
  ): Promise<void> {
    const previous = body.previous_response_id ?? undefined;
    let isWhole = false;
    const gone = new AbortController();
    // Hundreds of clients may leave at once, as when a proxy ends.
    const onClose = () => pace(() => gone.abort());
    const departure = openDeparture(gone.signal, () => socket.terminate());
    socket.once("close", onClose);
    let reserved: Reservation | undefined;
    try {
      const principal = await identify({ headers });
      const asker = askerOf({ headers, principal } as FastifyRequest, body.user);
      if (principal.actsFor === "any") await parts.keyUsers.admit(principal, asker.user);
      if (config.limits.enabled && body.store !== false) reserved = await parts.storedBytes.reserve(asker.scope, bytes);
      const made = await beginTurn(parts, asker, {
        request: body,
        stream: true,
        session: sessionHeader({ headers }),
        control: parseCacheControl(header({ headers }, "x-marrow-cache-control")),
        prepares,
        gone: departure,
        known: local.find,
        onEnd: async (kept) => {
          const { id, status, store } = kept.response;
          isWhole = status !== "failed";
          if (isWhole) local.keep(kept);
          if (store === true) await reserved?.addTo(`response:${id}`, config.responses.ttlMs);
        },
        log: app.log,
      });
      if (made.kind === "absent")
        throw new MarrowError("internal", "the request allows only a stored answer, and there is none");
      if (made.kind === "refused") {
        const { refusedBy, retryAfterMs } = made.decision;
        parts.metrics.refused(refusedBy);
        const refusal = toRefusal(refusedBy, retryAfterMs, toLimitHeaders(made.decision));
        return await send(socket, inLane(lane, toEvent(refusal)));
      }
      parts.metrics.cached(made.provenance.cache);
      let number = 0;
      for await (const event of made.events) {
        const { type, ...rest } = event;
        await send(socket, inLane(lane, { type, sequence_number: number, ...rest }));
        number += 1;
      }
    } catch (error) {
      await send(socket, inLane(lane, toEvent(toErrorAnswer(error))));
    } finally {
      socket.off("close", onClose);
      departure.end();
      void reserved?.release().catch(() => {});
      if (!isWhole && previous !== undefined) local.forget(previous);
    }
  }
}

/** Parses the JSON of a message, within the bounds of an HTTP body. @throws MarrowError `invalid_input`, `too_large` */
async function toValue(scope: string, data: Buffer | undefined, budget: JsonBudget): Promise<unknown> {
  if (data === undefined) throw new MarrowError("invalid_input", "a message must be text");
  return readBounded(scope, data, budget);
}

/** A requested turn. */
interface Asked {
  readonly body: ResponseRequest;
  readonly prepares: boolean;
  /** Size of the message. */
  readonly bytes: number;
  /** The message's `stream_id`. */
  readonly lane: string | undefined;
}

/** The request or the problem of a message. */
type Message = Asked | { readonly error: unknown; readonly lane: string | undefined };

/** Reads a message. Never rejects. */
async function readMessage(scope: string, data: Buffer | undefined, budget: JsonBudget): Promise<Message> {
  let lane: string | undefined;
  try {
    const value = ((await toValue(scope, data, budget)) ?? {}) as Fields;
    lane = laneOf(value);
    return { ...toRequest(value), lane, bytes: data?.length ?? 0 };
  } catch (error) {
    return { error, lane };
  }
}

/** Returns the lane that a message names. @throws MarrowError `invalid_input` */
function laneOf({ stream_id: lane }: Fields): string | undefined {
  if (lane === undefined || lane === null) return undefined;
  if (typeof lane === "string" && lane !== "" && lane.length <= LANE_CHARS_MAX) return lane;
  throw new MarrowError("invalid_input", `stream_id: must be text of 1 to ${LANE_CHARS_MAX} characters`, {
    details: { path: "stream_id" },
  });
}

/** Adds the lane to an event. */
function inLane(lane: string | undefined, event: Fields): Fields {
  return lane === undefined ? event : { ...event, stream_id: lane };
}

/** Turns of one connection: those of a lane one after another, those of different lanes side by side. */
function createLanes(): { add(lane: string | undefined, act: () => Promise<void>): void } {
  const lasts = new Map<string | undefined, Promise<void>>();
  return {
    add(lane, act) {
      const last = (lasts.get(lane) ?? Promise.resolve()).then(act);
      lasts.set(lane, last);
      void last.then(() => {
        if (lasts.get(lane) === last) lasts.delete(lane);
      });
    },
  };
}

/** Returns the request in a message. @throws MarrowError `invalid_input` */
function toRequest(value: Fields): Omit<Asked, "lane" | "bytes"> {
  const { type, stream: _, stream_options: __, stream_id: ___, generate, ...body } = value;
  if (type !== "response.create")
    throw new MarrowError("invalid_input", "type: must be response.create; POST /v1/responses/compact compacts", {
      details: { path: "type" },
    });
  if (body["background"] === true)
    throw new MarrowError("invalid_input", "background: must not be true over a WebSocket", {
      details: { path: "background" },
    });
  if (generate !== undefined && generate !== null && typeof generate !== "boolean")
    throw new MarrowError("invalid_input", `generate: must be true or false, not ${describe(generate)}`, {
      details: { path: "generate" },
    });
  const parsed = parseBody(responseBody, body);
  if (!parsed.success) throw toInputError(parsed.error);
  return { body: body as ResponseRequest, prepares: generate === false };
}

/** Sends a message and waits until the socket accepted it, so that a slow client slows only its own turn and fills no memory. */
async function send(socket: WebSocket, message: Fields): Promise<void> {
  const json = toJson(message);
  const text = typeof json === "string" ? json : await json;
  await new Promise<void>((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    socket.send(text, { binary: false }, () => resolve());
  });
}

function toEvent({ status, body: { error } }: ErrorAnswer): Fields {
  // OpenAI's WebSocket reports a missing previous response as 400, and its clients rely on that.
  return { type: "error", status: error.code === "previous_response_not_found" ? 400 : status, error };
}

function toErrorEvent(status: number, code: string, message: string): Fields {
  const type = status === 429 ? "rate_limit_error" : "invalid_request_error";
  return { type: "error", status, error: { type, code, message, param: null } };
}
