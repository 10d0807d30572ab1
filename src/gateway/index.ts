export { createApiKeys, KEPT_AWAY_MS, KEPT_MS, type ApiKeys, type NewKey, type Principal } from "./api-keys.ts";
export { createGateway, openGateway, type GatewayOptions, type OpenGateway } from "./app.ts";
export type { Background } from "./background.ts";
export { defineConfig, resolveConfig, type GatewayConfig, type GatewayConfigInput, type Plan } from "./config.ts";
export { fromEnvironment } from "./environment.ts";
export type { Route } from "./http/not-found.ts";
export { RESOURCES, ROUTES, type Belonging, type Resource } from "./ownership.ts";
export { toShownConfig } from "./shown-config.ts";
export { openMemory, serve, type Served, type ServeOptions } from "./serve.ts";
