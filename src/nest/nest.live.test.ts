/* oxlint-disable typescript/no-extraneous-class -- a module of NestJS is a class */
import { Inject, Injectable, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createCache, type Cache } from "../cache/index.ts";
import { createQueue, createWorker, type Queue, type Worker } from "../queue/index.ts";
import { connect, type Redis } from "../redis/index.ts";
import { MARROW, MarrowModule } from "./index.ts";

class Answers {
  readonly cache: Cache<string>;
  constructor(cache: Cache<string>) {
    this.cache = cache;
  }
}
// What `@Injectable()` and `@Inject("answers")` write as decorators.
Injectable()(Answers);
Inject("answers")(Answers, undefined, 0);

describe("Marrow in NestJS", () => {
  liveTest("injects the connection and handles, and closes workers and then the connection", async ({ unique }) => {
    const closed: string[] = [];
    class App {}
    Module({
      imports: [
        MarrowModule.forRoot({ connect: () => connect(inject("redisUrl"), { app: unique }) }),
        MarrowModule.forHandles(
          { provide: "answers", make: (redis) => createCache<string>(redis.scope("acme"), { name: "answers" }) },
          { provide: "calls", make: (redis) => createQueue<string, string>(redis.scope("acme"), { name: "calls" }) },
          { provide: "suffix", make: () => "!" },
          {
            provide: "worker",
            inject: ["suffix"],
            make: (redis, suffix: string) =>
              createWorker<string, string>(redis, { name: "calls" }, async ({ payload }) => payload + suffix),
            async close(worker: Worker) {
              await worker.close();
              closed.push("worker");
            },
          },
        ),
      ],
      providers: [Answers],
    })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const redis = app.get<Redis>(MARROW);
    const { cache } = app.get(Answers);
    await cache.store("What is Marrow?", "A data layer.");
    expect(await cache.lookup("What is Marrow?")).toMatchObject({ hit: true, value: "A data layer." });
    const queue = app.get<Queue<string, string>>("calls");
    const id = await queue.push("hello");
    expect(await queue.wait(id, { waitMs: 10_000 })).toMatchObject({ state: "done", result: "hello!" });
    await app.close();
    expect(closed).toEqual(["worker"]);
    await expect(redis.send(["PING"])).rejects.toMatchObject({ name: "MarrowError" });
  });

  liveTest("leaves a connection open that was given to it", async ({ redis }) => {
    class App {}
    Module({ imports: [MarrowModule.forRoot({ redis })] })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    expect(app.get(MARROW)).toBe(redis);
    await app.close();
    expect(String(await redis.send(["PING"]))).toBe("PONG");
  });

  liveTest("refuses options with neither a connection nor a way to open one", () => {
    expect(() => MarrowModule.forRoot({} as never)).toThrow(/either connect or redis/);
  });
});
