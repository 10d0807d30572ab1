// A NestJS application with a cache by injection. Classes are decorated by calls here, because Node runs this file as it is.
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { connect } from "marrow";
import { createCache, type Cache } from "marrow/cache";
import { MarrowModule } from "marrow/nest";

const url = process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379";
const app = `example-${Date.now()}`;

// oxlint-disable-next-line typescript/no-extraneous-class -- a module of NestJS is a class
class App {}
Module({
  imports: [
    MarrowModule.forRoot({ connect: () => connect(url, { app }) }),
    MarrowModule.forHandles({
      provide: "answers",
      make: (redis) => createCache<string>(redis.scope("acme"), { name: "answers" }),
    }),
  ],
})(App);

const nest = await NestFactory.createApplicationContext(App, { logger: false });
const answers = nest.get<Cache<string>>("answers");
for (const round of [1, 2]) {
  const { source, value } = await answers.through("What is Marrow?", async () => "A data layer.");
  console.log(round, source, value);
}
await nest.close();
// Output:
// 1 miss A data layer.
// 2 exact A data layer.
