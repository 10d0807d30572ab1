/** Asks a gateway, as any client would, for the OpenAPI document of its routes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGateway } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { demoModel } from "../../src/models/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../../src/redis/managed/index.ts";

/** The document, as JSON. A Redis is started for it and stopped again. */
export async function readOpenApi(): Promise<string> {
  const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
  if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
  const directory = mkdtempSync(join(tmpdir(), "marrow-site-"));
  const server = await startServer({ binary: binary.path, directory });
  try {
    await using redis = await connect(server.url);
    const app = createGateway({ redis, models: [demoModel()], config: { logLevel: "silent" } });
    const { body } = await app.inject({ method: "GET", url: "/openapi.json" });
    await app.close();
    return body;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
