import { request, type ClientRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { fastify, type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { createBodyArrivals } from "./body-arrivals.ts";
import { readBytes } from "./body-bytes.ts";
import { acceptEncodings, isEncoded } from "./encodings.ts";
import { sendError } from "./send-error.ts";

const BYTES = 4_194_304;
const opened: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of opened.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

/** A server of bodies of up to 4 MiB, which keep their room until they have been answered. A body stops before its last byte until `end`. */
async function open() {
  const app = fastify({ bodyLimit: BYTES });
  opened.push(app);
  app.setErrorHandler(sendError);
  app.decorateRequest("principal");
  app.addHook("onRequest", async (one, reply) => {
    Object.assign(one, { principal: { scope: one.headers["scope"] }, answer: reply.raw });
  });
  const arrivals = createBodyArrivals();
  acceptEncodings(app, arrivals);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (one, payload, done) =>
    readBytes(one, payload, done, isEncoded(one) ? undefined : arrivals),
  );
  app.post("/", async (one) => (one.body as Buffer).length);
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return (scope: string, body: Buffer, more: Readonly<Record<string, string>> = {}) => {
    const headers = { scope, "content-type": "application/json", "content-length": body.length, ...more };
    const one: ClientRequest = request({ port, method: "POST", headers, agent: false });
    const status = new Promise<number | undefined>((resolve) => {
      one.once("response", (response) => resolve(response.resume().statusCode));
      one.on("error", () => resolve(undefined));
    });
    one.write(body.subarray(0, -1));
    return { status, end: () => one.end(body.subarray(-1)), leave: () => one.destroy() };
  };
}

const soon = (ms = 300) => new Promise<"waits">((resolve) => setTimeout(() => resolve("waits"), ms));
const long = Buffer.alloc(BYTES, 32);
const encoded = gzipSync(Buffer.from(Array.from({ length: 200_000 }, () => (Math.random() * 256) | 0)));

describe.each([
  { what: "bodies", body: long, more: {}, fits: 12 },
  {
    what: "encoded bodies",
    body: encoded,
    more: { "content-encoding": "gzip" },
    fits: Math.floor((48 * 1_048_576) / encoded.length),
  },
])("$what that arrive at once", ({ body, more, fits }) => {
  it("take a bounded room: those of one scope beyond it are not read, and another scope's are", async () => {
    const post = await open();
    const flood = Array.from({ length: fits }, () => post("a", body, more));
    await soon();
    const next = post("a", body, more);
    next.end();
    const other = post("b", body, more);
    other.end();
    expect(await other.status).toBe(200);
    expect(await Promise.race([next.status, soon()])).toBe("waits");
    const short = post("a", Buffer.from("{}"));
    short.end();
    expect(await short.status).toBe(200);
    flood[0]?.leave();
    expect(await next.status).toBe(200);
    for (const one of flood.slice(1)) one.end();
    expect(new Set(await Promise.all(flood.slice(1).map(({ status }) => status)))).toEqual(new Set([200]));
  });
});
