/** The gateway of scaling.live.test.ts in a process of its own: serves with default bounds, and tells how long its event loop was held. */
import type { AddressInfo } from "node:net";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { openGateway } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { demoModel, UPSTREAM_KINDS, upstreamModel } from "../../src/models/index.ts";

/** Of Redis, the installation, and an endpoint of every kind: the models of each have its name. */
const [url = "", app = "", baseUrl = ""] = process.argv.slice(2);
const upstreams = UPSTREAM_KINDS.map((kind) => upstreamModel(kind, { baseUrl: `${baseUrl}/${kind}/v1`, ids: [kind] }));
const redis = await connect(url, { app });
const gateway = openGateway({
  redis,
  models: [demoModel({ firstTokenMs: 0, tokenMs: 0 }), ...upstreams],
  embedder: staticEmbedder(),
  config: { auth: "off", logLevel: "silent", limits: { enabled: false } },
});
await gateway.app.listen({ host: "127.0.0.1", port: 0 });
gateway.startBackground();

const EVERY_MS = 2;
let heldMs = 0;
let lastMs = performance.now();
let before = process.threadCpuUsage();
setInterval(() => {
  const nowMs = performance.now();
  const { user, system } = process.threadCpuUsage(before);
  before = process.threadCpuUsage();
  // Of a delay only what this thread worked counts: the machine may have run others.
  heldMs = Math.max(heldMs, Math.min(nowMs - lastMs - EVERY_MS, (user + system) / 1_000));
  lastMs = nowMs;
}, EVERY_MS);

process.on("message", () => {
  process.send?.({ heldMs });
  heldMs = 0;
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: (gateway.app.server.address() as AddressInfo).port });
