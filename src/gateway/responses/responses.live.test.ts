import { expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import type { Redis } from "../../redis/index.ts";
import { newResponseId } from "./request.ts";
import { createResponses, type ResponseJob } from "./responses.ts";
import { toShell } from "./shell.ts";

const LIFE = { ttlMs: 60_000, streamTtlMs: 60_000 } as Parameters<typeof createResponses>[2];

function toJob(): ResponseJob {
  const request = { model: "m", input: "x", background: true };
  const response = toShell(request, newResponseId(), Date.now());
  return { type: "response", response, input: [], user: "u", request, asker: { scope: "acme", user: "u" } } as never;
}

liveTest(
  "a response whose previous one vanishes while it is begun is refused as one of an unknown response",
  async ({ redis }) => {
    const responses = createResponses(redis, "acme", LIFE, () => {});
    const scoped = redis.scope("acme");
    for (const end of ["remove", "cancel"] as const) {
      const first = await responses.begin(toJob(), {});
      /** A connection on which the first response ends behind the look at it. */
      const slow = {
        scope: () =>
          new Proxy(scoped, {
            get(target, name) {
              const value: unknown = Reflect.get(target, name);
              if (name !== "pipeline") return typeof value === "function" ? value.bind(target) : value;
              return async (...given: Parameters<typeof target.pipeline>) => {
                await responses[end](first, { user: "u" } as never);
                return target.pipeline(...given);
              };
            },
          }),
      } as unknown as Redis;
      const next = createResponses(slow, "acme", LIFE, () => {}).begin(toJob(), { after: first });
      const refused = { code: "conflict", details: { path: "previous_response_id" } };
      await expect(next).rejects.toMatchObject(end === "remove" ? { code: "not_found" } : refused);
    }
  },
);
