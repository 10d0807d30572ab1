import type { GatewayConfigInput } from "./config.ts";

/** Reads the environment variables that override fields of the file. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): GatewayConfigInput {
  const {
    MARROW_PORT,
    MARROW_HOST,
    MARROW_APP,
    MARROW_AUTH,
    MARROW_LOG_LEVEL,
    MARROW_UPSTREAM_URL,
    MARROW_UPSTREAM_KEY,
    MARROW_BACKGROUND,
    MARROW_DRAIN_DELAY_MS,
    MARROW_DRAIN_MS,
  } = environment;
  return {
    ...(MARROW_PORT !== undefined && { port: Number(MARROW_PORT) }),
    ...(MARROW_HOST !== undefined && { host: MARROW_HOST }),
    ...(MARROW_APP !== undefined && { app: MARROW_APP }),
    ...(MARROW_AUTH !== undefined && { auth: MARROW_AUTH as "keys" }),
    ...(MARROW_LOG_LEVEL !== undefined && { logLevel: MARROW_LOG_LEVEL as "warn" }),
    ...(MARROW_BACKGROUND !== undefined && { background: { enabled: toBoolean(MARROW_BACKGROUND) } }),
    ...(MARROW_DRAIN_DELAY_MS !== undefined && { drainDelayMs: Number(MARROW_DRAIN_DELAY_MS) }),
    ...(MARROW_DRAIN_MS !== undefined && { drainMs: Number(MARROW_DRAIN_MS) }),
    ...(MARROW_UPSTREAM_URL !== undefined && {
      upstreams: [
        {
          baseUrl: MARROW_UPSTREAM_URL,
          ...(MARROW_UPSTREAM_KEY !== undefined && { apiKey: MARROW_UPSTREAM_KEY }),
        },
      ],
    }),
  };
}

/** A switch; any other text is left as it is for the configuration's schema to refuse. */
function toBoolean(text: string): boolean {
  return text === "true" || text === "false" ? text === "true" : (text as unknown as boolean);
}
