/** Runs a gateway with a Redis of its own and traffic of three tenants, for looking at the dashboard: `npm run demo:traffic -- --seed 7`. Asks nobody outside of this machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createApiKeys, serve } from "../src/gateway/index.ts";
import { connect } from "../src/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";
import { startScriptedModel } from "../src/testing/index.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { createRandom } from "./demo/random.ts";
import { steadily } from "./demo/steadily.ts";
import { createTraffic } from "./demo/traffic.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    port: { type: "string", default: "8080" },
    /** Questions a second, once the first ones were asked. */
    rate: { type: "string", default: "1" },
    first: { type: "string", default: "150" },
  },
});
const [seed, rate] = [Number(values.seed), Number(values.rate)];
if (!Number.isSafeInteger(seed) || !(rate > 0 && rate <= 50))
  throw new Error(`--seed must be an integer and --rate above 0 to 50, got ${values.seed} and ${values.rate}`);

const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
await buildDashboard();
const directory = await mkdtemp(join(tmpdir(), "marrow-demo-"));
const managed = await startServer({ binary: binary.path, directory });

/** A model that takes its time, and now and then fails. */
const random = createRandom(seed);
const scripted = await startScriptedModel(({ body }) => {
  if (random.chance(0.012)) return { status: 500 };
  const slow = body["model"] === "large" ? 900 : 250;
  const asked = (body["messages"] as readonly { readonly content: unknown }[]).at(-1)?.content;
  return { content: `This is what a model would say to: ${String(asked)}`, delayMs: slow * (0.5 + random.next()) };
});
const upstream = (name: string, ids: readonly string[]) =>
  ({ name, baseUrl: scripted.baseUrl, apiKey: "none", models: [...ids] }) as const;
const served = await serve({
  redisUrl: managed.url,
  dataDirectory: directory,
  cacheDirectory: ".cache",
  path: "",
  say: (line) => console.log(line),
  config: {
    port: Number(values.port),
    app: "demo",
    logLevel: "silent",
    upstreams: [upstream("east", ["small", "large"]), upstream("west", ["small"])],
    prices: { small: { input: 0.4, output: 1.6 }, large: { input: 3, output: 15 }, demo: { input: 0.1, output: 0.4 } },
    cache: { preset: "balanced" },
    dashboard: { content: "visible", traces: "always" },
  },
});
const redis = await connect(managed.url, { app: "demo" });
const traffic = await createTraffic({
  origin: served.url ?? "",
  redis,
  keys: createApiKeys(redis),
  models: ["small", "demo", "large"],
  seed,
});
const say = (line: string) => console.error(line);
let isStopped = false;
process.once("SIGINT", () => (isStopped = true)).once("SIGTERM", () => (isStopped = true));
await traffic.prepare();
console.log("statuses of the first questions:", Object.fromEntries(await traffic.chat(Number(values.first))));
console.log(`Dashboard, signs in once within ten minutes: ${await served.createSignInLink()}`);
console.log("Questions go on until Ctrl-C.");
for (let nth = 1; !isStopped; nth += 1) {
  // As a day has hours, busy and quiet ones.
  const wave = 1 + 0.7 * Math.sin((2 * Math.PI * Date.now()) / (17 * 60_000));
  await Promise.all([steadily(() => traffic.chat(1, 1), say), pause(1_000 / (rate * wave))]);
  if (nth % 20 === 0) await steadily(() => traffic.work(), say);
}
await traffic.close();
await redis.close();
await served.close();
await scripted.close();
await managed.stop();
await rm(directory, { recursive: true, force: true });
