/** A Marrow gateway as a process of its own. Prints its port and a key. */
import type { AddressInfo } from "node:net";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createApiKeys, createGateway } from "marrow/gateway";
import { openaiModel } from "marrow/models";

const redis = await connect(process.env["REDIS"] ?? "", { app: process.env["APP"] ?? "bench" });
const much = { limit: 1_000_000_000 };
/** Without roles it is the floor of what any gateway on this HTTP server costs. */
const roles = process.env["ROLES"] !== "off";
const app = createGateway({
  redis,
  models: [openaiModel({ baseUrl: `${process.env["UPSTREAM"]}/v1`, ids: ["bench"] })],
  embedder: staticEmbedder(),
  config: {
    cache: { enabled: roles, semantic: process.env["SEMANTIC"] === "on" },
    limits: { enabled: roles, userRequests: much, userTokens: much, appRequests: much },
  },
});
const key = await createApiKeys(redis).create({ scope: "bench", user: "bench", name: "bench" });
process.once("SIGTERM", () => process.exit(0));
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`port ${(app.server.address() as AddressInfo).port} ${key}`);
