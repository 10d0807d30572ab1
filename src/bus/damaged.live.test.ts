import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createBus } from "./index.ts";

describe("a topic whose number of partitions is damaged", () => {
  liveTest.for(["1e26", "99999999999999999999999999", "-1", "0", "nan", "inf", "", "x"])(
    "(%s) is read, written and redriven in bounded time, and has its number again once it is published to",
    async (damaged, { redis, tenant, unique }) => {
      const bus = createBus(tenant);
      const topic = bus.topic<string>("t");
      await topic.publish("1");
      const meta = `{${unique}:acme:topic:t}:topic:meta`;
      expect(await redis.send(["EXISTS", meta])).toBe(1);
      await redis.send(["HSET", meta, "partitions", damaged]);
      expect(await topic.stats()).toMatchObject({ messages: 1 });
      expect((await bus.topics()).data).toMatchObject([{ name: "t", messages: 1 }]);
      await topic.redrive("g");
      await topic.forgetGroup("g");
      await createBus(tenant).topic<string>("t").publish("2");
      expect(await redis.send(["HGET", meta, "partitions"])).toBe("8");
    },
  );
});
