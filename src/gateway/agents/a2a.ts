import { withPackage } from "../../internal/optional-package.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { Door } from "../http/door.ts";
import type { GatewayApp } from "../parts.ts";
import type { A2AAnswers, Named } from "./a2a-served.ts";

/**
 * Registers `/a2a/{agent}`: agents of a scope's bus, as A2A 1.0 serves them. Without the optional package of A2A's SDK these routes return
 * 501.
 */
export function registerA2A(parts: GatewayApp, config: GatewayConfig, door: Door): void {
  const { app } = parts;
  // Loaded at once, so that the first request does not wait for it.
  const loading: Promise<A2AAnswers> = withPackage("@a2a-js/sdk", "/a2a", async () => {
    const { serveA2A } = await import("./a2a-served.ts");
    return serveA2A(parts, config, door);
  });
  loading.catch((error: unknown) => app.log.info({ code: "unsupported" }, (error as Error).message));
  app.addHook("onClose", async () => void (await loading.then(({ close }) => close()).catch(() => undefined)));
  app.get<Named>("/a2a/:agent/.well-known/agent-card.json", async (request) => (await loading).card(request));
  app.post<Named>("/a2a/:agent", async (request, reply) => (await loading).call(request, reply));
}
