import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as Client } from "ioredis";
import { afterAll, expect, inject, it } from "vitest";
import { ask, startTestGateway } from "../gateway.ts";
import { ownServer } from "../servers.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-restore-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A server whose data is in a directory of the test's. */
async function serverIn(name: string) {
  const directory = join(home, name);
  mkdirSync(directory);
  return { directory, server: await ownServer(inject("redisBinary"), ["--dir", directory]) };
}

it("A snapshot that is copied to another server has keys, sessions and jobs in it, and Marrow goes on there", async () => {
  const session = { headers: { "x-marrow-session": "s" } };
  const first = await serverIn("first");
  await first.server.start();
  const before = await startTestGateway({ redisUrl: first.server.url, appName: "restored" });
  await ask(before.client(), "first question", session);
  const { id } = await before.client().post<{ id: string }>("/tasks", { body: { payload: { n: 1 } } });
  const saving = new Client(first.server.port, "127.0.0.1");
  await saving.save();
  saving.disconnect();
  await before.close();
  await first.server.stop();

  const second = await serverIn("second");
  copyFileSync(join(first.directory, "dump.rdb"), join(second.directory, "dump.rdb"));
  await second.server.start();
  const after = await startTestGateway({ redisUrl: second.server.url, appName: "restored" });
  const client = after.client({ apiKey: before.key });
  await ask(client, "second question", session);
  expect(JSON.stringify(after.model.requests.at(-1)?.body["messages"])).toContain("first question");
  const { data } = await client.post<{ data: { id: string }[] }>("/tasks/claim", { body: {} });
  expect(data).toMatchObject([{ id, payload: { n: 1 } }]);
  await after.close();
  await second.server.stop();
}, 60_000);
