/** Webhooks of a gateway process that is killed before it could record that they were delivered. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { afterAll, describe, inject } from "vitest";
import { createApiKeys } from "../../src/gateway/index.ts";
import { startScriptedModel } from "../../src/testing/index.ts";
import { liveTest } from "../live.ts";
import { receiving } from "../receiver.ts";

const PROGRAM = fileURLToPath(new URL("../e2e/gateway-process.ts", import.meta.url));
/** The lease of a killed worker or sender passes first: 30 s at most. */
const TAKEN_OVER_MS = 45_000;

const started: ChildProcess[] = [];
afterAll(() => started.forEach((child) => child.kill("SIGKILL")));

async function startGateway(app: string, model: string): Promise<{ child: ChildProcess; baseURL: string }> {
  const argv = ["--conditions=@marrow/source", PROGRAM, inject("redisUrl"), app, model];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return { child, baseURL: `http://127.0.0.1:${String(port).trim()}/v1` };
}

const MOMENTS = [
  ["as the model's answer ends", "answer"],
  ["while its receiver has the webhook, and before that is recorded", "webhook"],
] as const;

describe.concurrent.each(MOMENTS)("a gateway that is killed %s", (_, moment) => {
  liveTest(
    "leaves the webhook to another one: it is sent at least once, with one id and a valid signature, and recorded",
    async ({ unique, redis, expect }) => {
      let first: ChildProcess | undefined;
      const kill = (at: string) => moment === at && first?.kill("SIGKILL");
      const model = await startScriptedModel(() => {
        setTimeout(() => kill("answer"), 101);
        return { content: "Done.", delayMs: 100 };
      });
      const sent = receiving(
        () => {
          kill("webhook");
          return [204];
        },
        async (url, received) => {
          const apiKey = await createApiKeys(redis).create({ scope: "acme", user: "u", name: "k", actsFor: "any" });
          const before = await startGateway(unique, model.baseUrl);
          first = before.child;
          const client = new OpenAI({ baseURL: before.baseURL, apiKey, maxRetries: 0 });
          const events = ["response.completed"];
          const { id: hook, secret } = await client.post<Hook>("/webhooks", { body: { url, events } });
          const { id } = await client.responses.create({ model: "scripted", input: "Hi", background: true });
          if (before.child.exitCode === null && before.child.signalCode === null) await once(before.child, "exit");
          first = undefined;
          const atKill = received.length;
          expect(atKill).toBeLessThanOrEqual(1);

          const after = new OpenAI({ baseURL: (await startGateway(unique, model.baseUrl)).baseURL, apiKey });
          const log = async () => (await after.get<Log>(`/webhooks/${hook}/deliveries`)).data;
          await expect
            .poll(log, { timeout: TAKEN_OVER_MS, interval: 250 })
            .toMatchObject([{ event: "response.completed", state: "delivered" }]);
          expect(received.length).toBeGreaterThan(moment === "webhook" ? atKill : 0);
          const [delivery] = await log();
          for (const { body, headers } of received) {
            const event = await after.webhooks.unwrap(body, headers, secret);
            expect(event).toMatchObject({ id: delivery?.id, type: "response.completed", data: { id } });
            expect(headers["webhook-id"]).toBe(delivery?.id);
          }
          expect(await after.responses.retrieve(id)).toMatchObject({ status: "completed", output_text: "Done." });
        },
      );
      try {
        await sent;
      } finally {
        await model.close();
      }
    },
    120_000,
  );
});

interface Hook {
  readonly id: string;
  readonly secret: string;
}

interface Log {
  readonly data: readonly { readonly id: string }[];
}
