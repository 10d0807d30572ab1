import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { lingerToEnd } from "./lingering.ts";

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** Sends the head of a request with 10 MB to a server that refuses it, and answers what came when the connection is closed, and when. */
async function refused(bounds: { bytesMax: number; totalMs: number; idleMs: number }, feed: (socket: Socket) => void) {
  const server = createServer((request, response) => {
    lingerToEnd(request, response, bounds);
    response.writeHead(413, { connection: "close", "content-length": 3 }).end("no!");
  });
  open.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  open.push(() => socket.destroy());
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n");
  const begunMs = performance.now();
  let text = "";
  socket.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  socket.on("error", () => {});
  feed(socket);
  await new Promise((resolve) => socket.once("close", resolve));
  return { text, tookMs: performance.now() - begunMs };
}

const MANY = { bytesMax: 100_000_000, totalMs: 10_000, idleMs: 10_000 };

describe("a body that is refused before it was read", () => {
  it("is read to its end before the connection closes", async () => {
    const { text } = await refused(MANY, (socket) => socket.write(Buffer.alloc(10_000_000)));
    expect(text).toMatch(/^HTTP\/1\.1 413 [\s\S]*no!$/);
  });

  it.each([
    ["bytes", { ...MANY, bytesMax: 100_000 }],
    ["time without a byte", { ...MANY, idleMs: 100 }],
    ["time in all", { ...MANY, totalMs: 200 }],
  ])("is dropped by a bound of %s, and its answer was sent at once", async (name, bounds) => {
    let timer: NodeJS.Timeout | undefined;
    const { text, tookMs } = await refused(bounds, (socket) => {
      if (name === "bytes") socket.write(Buffer.alloc(1_000_000));
      if (name === "time in all") timer = setInterval(() => socket.write("x"), 20);
    });
    clearInterval(timer);
    expect(text).toContain("no!");
    expect(tookMs).toBeLessThan(5_000);
  });
});
