/** @portkey-ai/gateway as published, on a free port. */
import { createServer, type AddressInfo } from "node:net";

const probe = createServer().listen(0, "127.0.0.1", () => {
  const { port } = probe.address() as AddressInfo;
  probe.close();
  process.argv.push(`--port=${port}`, "--headless");
  // The package has no types and starts by being imported.
  const entry: string = "@portkey-ai/gateway/build/start-server.js";
  void import(entry);
  // Its own greeting ends no line.
  setTimeout(() => console.log(`\nport ${port}`), 2_000);
});
