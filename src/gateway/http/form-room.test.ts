import { request, type ClientRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { readBytes } from "./body-bytes.ts";
import { createFormRoom } from "./form-room.ts";
import { sendError } from "./send-error.ts";

const BYTES = 1_048_576;
const opened: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of opened.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

/** A server of forms of up to a megabyte. Its clients name their scope, and end a form by `end`; `status` is that of the answer. */
async function open(readMs: number) {
  const app = fastify({ bodyLimit: BYTES });
  opened.push(app);
  app.setErrorHandler(sendError);
  app.decorateRequest("principal");
  app.addHook("onRequest", async (one) => void Object.assign(one, { principal: { scope: one.headers["scope"] } }));
  createFormRoom(BYTES, readMs).bound(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (one, payload, done) => readBytes(one, payload, done));
  app.post("/", async (one) => (one.body as Buffer).length);
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return (scope: string) => {
    const headers = { scope, "content-type": "multipart/form-data", "content-length": BYTES };
    const one: ClientRequest = request({ port, method: "POST", headers, agent: false });
    const status = new Promise<number | undefined>((resolve) => {
      one.once("response", (response) => resolve(response.resume().statusCode));
      one.on("error", () => resolve(undefined));
    });
    one.write(Buffer.alloc(BYTES - 1));
    return { status, end: () => one.end(Buffer.alloc(1)) };
  };
}

const soon = (ms = 300) => new Promise<"waits">((resolve) => setTimeout(() => resolve("waits"), ms));

describe("forms that are held at once", () => {
  it("are three of one scope: the fourth waits, and another scope's does not", async () => {
    const post = await open(60_000);
    const forms = Array.from({ length: 3 }, () => post("a"));
    await soon();
    const fourth = post("a");
    fourth.end();
    const other = post("b");
    other.end();
    expect(await other.status).toBe(200);
    expect(await Promise.race([fourth.status, soon()])).toBe("waits");
    forms[0]?.end();
    expect(await Promise.all([forms[0]?.status, fourth.status])).toEqual([200, 200]);
  });

  it("do not keep others out by never ending: the oldest of the scope with most fails while others wait", async () => {
    const post = await open(400);
    const slow = post("b");
    const endless = Array.from({ length: 3 }, () => post("a"));
    expect(await Promise.race([endless[0]?.status, soon(1_000)])).toBe("waits");
    const late = post("a");
    late.end();
    expect(await late.status).toBe(200);
    expect(await endless[0]?.status).toBe(503);
    slow.end();
    expect(await slow.status).toBe(200);
  });
});
