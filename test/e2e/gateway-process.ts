/** A gateway in a process of its own, in front of an endpoint, to be killed: prints its port. */
import type { AddressInfo } from "node:net";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { openGateway } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { openaiModel } from "../../src/models/index.ts";

const [url = "", app = "", baseUrl = ""] = process.argv.slice(2);
const redis = await connect(url, { app });
const gateway = openGateway({
  redis,
  models: [openaiModel({ baseUrl, ids: ["scripted"] })],
  embedder: staticEmbedder(),
  config: { logLevel: "silent", webhooks: { allowHttp: true, allowNetworks: ["127.0.0.0/8"] } },
});
gateway.startBackground();
await gateway.app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${(gateway.app.server.address() as AddressInfo).port}\n`);
