// A response in the background: made by any process, its stream taken up again at another gateway, its end told by a signed webhook.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "marrow";
import { createApiKeys, openGateway } from "marrow/gateway";
import { demoModel } from "marrow/models";
import OpenAI from "openai";

const app = `example-background-${randomUUID()}`;
await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", { app });
const config = { logLevel: "silent", webhooks: { allowHttp: true, allowNetworks: ["127.0.0.0/8"] } } as const;
const start = async () => {
  const gateway = openGateway({ redis, models: [demoModel({ firstTokenMs: 50, tokenMs: 5 })], config });
  return { ...gateway, url: await gateway.app.listen({ port: 0, host: "127.0.0.1" }) };
};
const [one, two] = [await start(), await start()];
const background = two.startBackground();
const apiKey = await createApiKeys(redis).create({
  scope: "acme",
  user: "ada",
  name: "example",
  // A webhook hears of everybody in the scope, so its key acts for any user.
  actsFor: "any",
});
const clientOf = (url: string) => new OpenAI({ apiKey, baseURL: `${url}/v1` });

// Your own server, which hears of the end.
const receiver = createServer().listen(0, "127.0.0.1");
await once(receiver, "listening");
const heard = once(receiver, "request");
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const { secret } = (await clientOf(one.url).post("/webhooks", { body: { url } })) as { secret: string };

const asked = { model: "demo", input: "What is the capital of France?", background: true, stream: true } as const;
let [id, said, last] = ["", "", 0];
for await (const event of await clientOf(one.url).responses.create(asked)) {
  last = event.sequence_number;
  if (event.type === "response.created") id = event.response.id;
  if (event.type !== "response.output_text.delta") continue;
  said += event.delta;
  // The connection breaks after a few words.
  if (said.length > 10) break;
}
console.log("first gateway", said.length > 10 && said.length < 31);
for await (const event of await clientOf(two.url).responses.retrieve(id, { stream: true, starting_after: last }))
  if (event.type === "response.output_text.delta") said += event.delta;
console.log("second gateway", said);

const [request, response] = (await heard) as Parameters<NonNullable<Parameters<typeof createServer>[1]>>;
const body = (await request.toArray()).join("");
response.end();
const told = await clientOf(one.url).webhooks.unwrap(body, request.headers, secret);
console.log("webhook", told.type, (told.data as { id: string }).id === id);

await background.close();
await Promise.all([one.app.close(), two.app.close()]);
receiver.close();
// Output:
// first gateway true
// second gateway The capital of France is Paris.
// webhook response.completed true
