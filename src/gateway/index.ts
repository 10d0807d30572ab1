export { createApiKeys, KEPT_AWAY_MS, KEPT_MS, type ApiKeys, type NewKey, type Principal } from "./tenancy/api-keys.ts";
export { createGateway, openGateway, type GatewayOptions, type OpenGateway } from "./app.ts";
export type { Background } from "./background.ts";
export {
  defineConfig,
  resolveConfig,
  type GatewayConfig,
  type GatewayConfigInput,
  type Plan,
} from "./config/config.ts";
export { fromEnvironment } from "./config/environment.ts";
export { updatePriceFile } from "./config/price-file.ts";
export type { Route } from "./http/not-found.ts";
export { ROUTES } from "./routes.ts";
export { RESOURCES, type Belonging, type Resource } from "./tenancy/ownership.ts";
export { toShownConfig } from "./config/shown-config.ts";
export { openMemory, serve, type Served, type ServeOptions } from "./serve.ts";
