import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool, request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { createConnector } from "./connector.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server that writes these bytes once a request's body has arrived. */
async function serve(
  write: (socket: Socket, nth: number) => unknown,
): Promise<{ url: string; connections: () => number }> {
  let [nth, connections] = [0, 0];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      if (!text.includes("\r\n\r\n") || !text.endsWith("{}")) return;
      text = "";
      write(socket, nth++);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

function clientOf(url: string): () => Promise<string> {
  const pool = new Pool(url, { connect: createConnector({}), connections: 1 });
  closers.push(() => pool.destroy());
  return async () => {
    const { statusCode, body } = await request(`${url}/v1`, { dispatcher: pool, method: "POST", body: "{}" });
    return `${statusCode} ${await body.text()}`;
  };
}

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
const answer = (text: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

describe("an answer behind interim responses", () => {
  it.each([
    ["100 Continue", CONTINUE],
    ["103 Early Hints", HINTS],
    ["102 Processing, three times", "HTTP/1.1 102 Processing\r\n\r\n".repeat(3)],
    ["100 and 103", CONTINUE + HINTS],
    ["103 and 100", HINTS + CONTINUE],
    ["a 100 without words and of HTTP/1.0", "HTTP/1.0 100\r\n\r\n"],
    ["a 100 with headers", "HTTP/1.1 100 Continue\r\nserver: proxy\r\ndate: now\r\n\r\n"],
  ])("arrives after %s, at once and byte by byte", async (_, before) => {
    const bytes = before + answer("hello");
    const atOnce = clientOf((await serve((socket) => socket.write(bytes))).url);
    expect(await atOnce()).toBe("200 hello");
    const slow = await serve(async (socket) => {
      socket.setNoDelay(true);
      for (const byte of bytes) {
        socket.write(byte);
        await sleep(0);
      }
    });
    expect(await clientOf(slow.url)()).toBe("200 hello");
  });

  it("arrives on the same connection for each request", async () => {
    const { url, connections } = await serve((socket, nth) => socket.write(CONTINUE + answer(`hello ${nth}`)));
    const ask = clientOf(url);
    for (const nth of [0, 1, 2]) expect(await ask()).toBe(`200 hello ${nth}`);
    expect(connections()).toBe(1);
  });

  it("keeps a body that looks like one, wherever a piece begins", async () => {
    const text = CONTINUE.repeat(3);
    const { url } = await serve(async (socket) => {
      socket.write(CONTINUE + `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`);
      await sleep(20);
      socket.write(text);
    });
    expect(await clientOf(url)()).toBe(`200 ${text}`);
  });

  it("fails when another protocol, a head without an end, or no answer follows", async () => {
    const failing: readonly (readonly [string, (socket: Socket) => unknown])[] = [
      [
        "bad upgrade",
        (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
      ],
      [
        "Headers Overflow",
        (socket) => socket.write(`HTTP/1.1 100 Continue\r\n${"a-header: some value\r\n".repeat(4_000)}`),
      ],
      ["other side closed", (socket) => socket.end(`${CONTINUE}HTTP/1.1 1`)],
    ];
    for (const [why, write] of failing) await expect(clientOf((await serve(write)).url)()).rejects.toThrow(why);
  });
});

describe("a second answer for which nobody asked", () => {
  it.each([
    ["in the same bytes", (socket: Socket) => socket.write(answer("first") + answer("second"))],
    [
      "in the next turn",
      (socket: Socket) => {
        socket.write(answer("first"));
        setImmediate(() => socket.write(answer("second")));
      },
    ],
    [
      "some milliseconds later",
      (socket: Socket) => {
        socket.write(answer("first"));
        setTimeout(() => socket.write(answer("second")), 5);
      },
    ],
  ])("ends its idle connection, and answers no later request: %s", async (_, write) => {
    const { url, connections } = await serve((socket) => write(socket));
    const ask = clientOf(url);
    for (const nth of [1, 2, 3]) {
      expect(await ask()).toBe("200 first");
      await sleep(60);
      expect(connections()).toBe(nth);
    }
  });
});
