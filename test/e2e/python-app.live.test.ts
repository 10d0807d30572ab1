import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createWorker } from "../../src/queue/index.ts";
import { newSecret, signWebhook } from "../../src/webhooks/index.ts";
import { startTestGateway } from "../gateway.ts";

const python = promisify(execFile);

describe("examples/python-app.py, in Python's standard library", () => {
  it("chats with memory and cache, and pushes a task once for its key", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    onTestFinished(() => gateway.close());
    const worker = createWorker(gateway.redis, { name: "tasks" }, async () => "done");
    onTestFinished(() => worker.close());
    const env = { ...process.env, MARROW_URL: gateway.baseURL, MARROW_KEY: gateway.key };
    const { stdout } = await python("python3", ["examples/python-app.py"], { env });
    const [first = "", second = "", ...rest] = stdout.trim().split("\n");
    expect(first).toMatch(/Paris.* miss$/);
    expect(second).toMatch(/Paris.* exact$/);
    expect(rest).toEqual(["same task True", "task done"]);
  });

  it("verifies webhooks: of the right secret, fresh and unchanged", async () => {
    const [secret, other] = [newSecret(), newSecret()];
    const body = '{"type":"task.completed","data":{"id":"t1"}}';
    const signed = signWebhook([other, secret], { id: "msg_1", atMs: Date.now(), body });
    const old = signWebhook([secret], { id: "msg_1", atMs: Date.now() - 600_000, body });
    const cases = [
      [secret, signed, body],
      [newSecret(), signed, body],
      [secret, signed, body.replace("t1", "t2")],
      [secret, old, body],
    ];
    const program = `import json, runpy, sys
verify = runpy.run_path("examples/python-app.py")["verify"]
print(*(verify(secret, headers, body.encode()) for secret, headers, body in json.loads(sys.argv[1])))`;
    const env = { ...process.env, MARROW_KEY: "none" };
    const { stdout } = await python("python3", ["-c", program, JSON.stringify(cases)], { env });
    expect(stdout.trim()).toBe("True False False False");
  });
});
