import { deltaChannelHistoryTests, specTest } from "@langchain/langgraph-checkpoint-validation";
import * as vitest from "vitest";
import { connect } from "../index.ts";
import type { Redis } from "../redis/index.ts";
import { MarrowSaver } from "./index.ts";

// The suite is written for runners whose words are global.
const { describe, it, expect, beforeAll, afterAll, beforeEach, afterEach, inject } = vitest;
Object.assign(globalThis, { describe, it, test: it, expect, beforeAll, afterAll, beforeEach, afterEach });

let redis: Redis;
let run = 0;
const initializer = {
  checkpointerName: "MarrowSaver",
  async beforeAll() {
    redis = await connect(inject("redisUrl"), { app: `graph${Date.now()}` });
  },
  afterAll: () => redis.close(),
  createCheckpointer: () => new MarrowSaver(redis.scope(`run${(run += 1)}`), { name: "g" }),
};

specTest(initializer as never);
describe("MarrowSaver", () => deltaChannelHistoryTests(initializer as never));
