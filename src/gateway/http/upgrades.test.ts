import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { asksForWebSocket, onWebSocket } from "./upgrades.ts";

const HANDSHAKE = { upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };

describe("the opening handshake of a WebSocket", () => {
  it("is a GET that offers the protocol, also beside others, with a key", () => {
    const offers = ["websocket", "WebSocket", "websocket, h2c", "h2c,websocket"];
    expect(
      offers.map((upgrade) => asksForWebSocket({ method: "GET", headers: { ...HANDSHAKE, upgrade } })),
    ).not.toContain(false);
  });

  it("is no other request with an Upgrade header", () => {
    expect(asksForWebSocket({ method: "POST", headers: HANDSHAKE })).toBe(false);
    expect(asksForWebSocket({ method: "GET", headers: { upgrade: "websocket" } })).toBe(false);
    for (const upgrade of ["h2c", "TLS/1.0", "websockets", "", "websocket/13"])
      expect(asksForWebSocket({ method: "GET", headers: { ...HANDSHAKE, upgrade } })).toBe(false);
  });
});

const UPGRADE = "host: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n";
const get = (path: string, lines = UPGRADE) => `GET ${path} HTTP/1.1\r\n${lines}\r\n`;
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\n${UPGRADE}content-length: ${body.length}\r\n\r\n${body}`;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers with what it got. Where Node cannot ask before it upgrades, the connection is read again. */
async function serve(declines: boolean): Promise<void> {
  server = createServer(
    { keepAliveTimeout: 100, ...(declines && { shouldUpgradeCallback: asksForWebSocket }) },
    (request, response) => void answer(request, response),
  );
  onWebSocket(server, (_, socket) => socket.end("[a WebSocket]", () => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url === "/slow") await pause(400);
  response.end(`[${request.method} ${request.url} ${body.length > 99 ? body.length : body}]`);
}

/** Sends pieces one after another on one connection, and returns what was answered. */
async function send(...pieces: readonly string[]): Promise<readonly string[]> {
  const { port } = (server as Server).address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  let answers = "";
  socket.on("error", () => {}).on("data", (piece) => (answers += String(piece)));
  const closed = once(socket, "close");
  for (const piece of pieces) {
    socket.write(piece);
    await pause(40);
  }
  await closed;
  return answers.match(/\[.*?\]/g) ?? [];
}

/** From version 25 on, Node keeps a body from who reads the connection again; the gateway has it ask. */
const isReadAgain = Number(process.versions.node.split(".")[0]) < 25;
const WAYS: readonly (readonly [name: string, declines: boolean])[] = [
  ["which Node asks about before it upgrades", true],
  ...(isReadAgain ? ([["which is read again", false]] as const) : []),
];

describe.each(WAYS)("a request whose Upgrade is not taken, %s", (_, declines) => {
  it("is answered like any other, and so are those behind it on its connection", async () => {
    await serve(declines);
    expect(await send(get("/a"))).toEqual(["[GET /a ]"]);
    expect(await send(get("/a"), get("/b", "host: a\r\n"), get("/c"), post("/d", "four"))).toEqual([
      "[GET /a ]",
      "[GET /b ]",
      "[GET /c ]",
      "[POST /d four]",
    ]);
  });

  it("may have a body: at once, in pieces, chunked, and larger than what is read at once", async () => {
    await serve(declines);
    const parts = post("/parts", "in parts");
    expect(await send(parts.slice(0, -4), parts.slice(-4))).toEqual(["[POST /parts in parts]"]);
    const chunked = `POST /chunked HTTP/1.1\r\n${UPGRADE}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
    expect(await send(chunked)).toEqual(["[POST /chunked hello]"]);
    expect(await send(post("/large", "x".repeat(300_000)))).toEqual(["[POST /large 300000]"]);
  });

  it("has the time of any other request, also behind one on a connection that may idle briefly", async () => {
    await serve(declines);
    expect(await send(get("/a", "host: a\r\n"), get("/slow"))).toEqual(["[GET /a ]", "[GET /slow ]"]);
  });

  it("waits for the answers to the requests before it", async () => {
    await serve(declines);
    expect(await send(get("/slow", "host: a\r\n") + get("/b"))).toEqual(["[GET /slow ]", "[GET /b ]"]);
  });

  it("does not keep a WebSocket from being opened", async () => {
    await serve(declines);
    const handshake = `host: a\r\nconnection: upgrade\r\nupgrade: websocket, h2c\r\nsec-websocket-key: ${HANDSHAKE["sec-websocket-key"]}\r\n`;
    expect(await send(get("/a"), get("/socket", handshake))).toEqual(["[GET /a ]", "[a WebSocket]"]);
  });
});
