import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { fastify } from "fastify";
import { Hono, type Context } from "hono";
import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { createLimiter, type Limiter } from "../index.ts";
import { expressLimiter, fastifyLimiter, honoLimiter, permitOf, webLimiter } from "./index.ts";

interface Served {
  readonly get: (path: string, user?: string) => Promise<Response>;
  readonly close: () => Promise<unknown>;
}

/** An application that answers `/`, streams `/slow` until it is told, and is limited by the header `x-user`. */
interface Application {
  readonly name: string;
  readonly start: (limiter: Limiter, slow: Promise<void>) => Promise<Served>;
}

async function listen(server: Server): Promise<Served> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    get: (path, user) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: user === undefined ? {} : { "x-user": user } }),
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const applications: readonly Application[] = [
  {
    name: "Express",
    async start(limiter, slow) {
      const app = express();
      app.use(
        expressLimiter<express.Request>(limiter, {
          subjects: (request) => {
            const user = request.get("x-user");
            return user === undefined ? undefined : { user };
          },
        }),
      );
      app.get("/", (_, response) => void response.send("hello"));
      app.get("/dear", (request, response) => {
        void permitOf(request)?.settle({ requests: 3 });
        response.send("dear");
      });
      app.get("/slow", (_, response) => {
        response.write("…");
        void slow.then(() => response.end());
      });
      return listen(createServer(app));
    },
  },
  {
    name: "Fastify",
    async start(limiter, slow) {
      const app = fastify();
      const subjects = (request: { headers: NodeJS.Dict<string | string[]> }) => {
        const user = request.headers["x-user"];
        return typeof user === "string" ? { user } : undefined;
      };
      app.addHook("preHandler", fastifyLimiter(limiter, { subjects }));
      app.get("/", async () => "hello");
      app.get("/dear", async (request) => {
        void permitOf(request)?.settle({ requests: 3 });
        return "dear";
      });
      app.get("/slow", async (_, reply) => {
        reply.hijack();
        reply.raw.write("…");
        void slow.then(() => reply.raw.end());
      });
      await app.ready();
      return listen(app.server);
    },
  },
  {
    name: "Hono",
    async start(limiter, slow) {
      const app = new Hono();
      app.use(
        honoLimiter(limiter, {
          subjects: (context: Context) => {
            const user = context.req.header("x-user");
            return user === undefined ? undefined : { user };
          },
        }),
      );
      app.get("/", (context) => context.text("hello"));
      app.get("/dear", (context) => {
        void permitOf(context)?.settle({ requests: 3 });
        return context.text("dear");
      });
      app.get("/slow", () => {
        const body = new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(Buffer.from("…"));
            await slow;
            controller.close();
          },
        });
        return new Response(body);
      });
      return {
        get: async (path, user) => app.request(path, { headers: user === undefined ? {} : { "x-user": user } }),
        close: async () => {},
      };
    },
  },
  {
    name: "handlers of web requests, as the route handlers of Next.js are",
    async start(limiter, slow) {
      const limited = webLimiter(limiter, {
        subjects: ({ headers }) => {
          const user = headers.get("x-user");
          return user === null ? undefined : { user };
        },
      });
      const routes = {
        "/": limited(() => new Response("hello")),
        "/dear": limited((request) => {
          void permitOf(request)?.settle({ requests: 3 });
          return new Response("dear");
        }),
        "/slow": limited(() => {
          const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
            async start(controller) {
              controller.enqueue(new TextEncoder().encode("…"));
              await slow;
              controller.close();
            },
          });
          return new Response(body);
        }),
      };
      return {
        get: async (path, user) =>
          routes[path as keyof typeof routes](
            new Request(`http://localhost${path}`, { headers: user === undefined ? {} : { "x-user": user } }),
          ),
        close: async () => {},
      };
    },
  },
];

describe.each(applications)("a limiter in $name", ({ start }) => {
  liveTest("tells how it stands on every answer, and refuses in the standard's words", async ({ tenant }) => {
    const limiter = createLimiter(tenant, {
      name: "l",
      rules: [{ id: "per-user", by: "user", limit: 4, windowMs: 30_000 }],
      onUnavailable: "refuse",
    });
    const { get, close } = await start(limiter, Promise.resolve());
    try {
      const first = await get("/", "ann");
      expect([first.status, await first.text()]).toEqual([200, "hello"]);
      expect(first.headers.get("ratelimit-policy")).toBe('"per-user";q=4;w=30');
      expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("3");
      await (await get("/dear", "ann")).text();
      await expect.poll(async () => (await limiter.peek({ user: "ann" })).rules[0]?.remaining).toBe(0);
      const refused = await get("/", "ann");
      expect(refused.status).toBe(429);
      expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(Number(refused.headers.get("retry-after-ms"))).toBeGreaterThan(0);
      expect(refused.headers.get("x-should-retry")).toBe("true");
      expect(await refused.json()).toMatchObject({ status: 429, "violated-policies": ["per-user"] });
      expect((await get("/", "bob")).status).toBe(200);
      expect((await get("/")).headers.get("ratelimit")).toBeNull();
    } finally {
      await close();
    }
  });

  liveTest("holds a slot until the answer is over", async ({ tenant }) => {
    const limiter = createLimiter(tenant, {
      name: "l",
      rules: [{ id: "streams", by: "user", unit: "concurrency", limit: 1 }],
      onUnavailable: "refuse",
    });
    const slow = Promise.withResolvers<void>();
    const { get, close } = await start(limiter, slow.promise);
    try {
      const streaming = await get("/slow", "ann");
      expect(streaming.status).toBe(200);
      expect((await get("/", "ann")).status).toBe(429);
      slow.resolve();
      await streaming.text();
      await expect.poll(async () => (await get("/", "ann")).status).toBe(200);
    } finally {
      await close();
    }
  });
});
