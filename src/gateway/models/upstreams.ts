import { refuse } from "../../internal/check.ts";
import { createPlaces, renameModels, upstreamModel, withPlaces, type ChatModel } from "../../models/index.ts";
import { readSecret } from "../../redis/index.ts";
import type { LaneGates } from "../tenancy/lanes.ts";
import type { UpstreamConfig } from "../config/upstream-config.ts";

/** A model of an endpoint, whose connections are closed at the end. */
export type Upstream = ChatModel & { readonly name: string; close(): Promise<void> };

/** Opens an endpoint by its configuration. @throws MarrowError `invalid_option` for an unreadable key file */
export function openUpstream(config: UpstreamConfig, laneOf: LaneGates): Upstream {
  const { kind, name, baseUrl, models, apiKeyFile, concurrency: connections, scopeShare, firstByteTimeoutMs } = config;
  const path = `upstreams.${name}.apiKeyFile`;
  // Space around a key, or a byte order mark, is an editor's.
  const apiKey = apiKeyFile === undefined ? config.apiKey : readSecret(path, { file: apiKeyFile })?.trim();
  if (apiKey === "") refuse(path, "a file that holds a key", apiKeyFile);
  const names = models !== undefined && !isList(models) ? models : undefined;
  const options = { ...config, apiKey, connections, lane: laneOf(baseUrl, apiKey, config.headers) };
  const ids = names === undefined ? (models as readonly string[] | undefined) : Object.values(names);
  const places = createPlaces({ places: connections, scopeShare, waitMs: firstByteTimeoutMs });
  const model = withPlaces(Object.assign(upstreamModel(kind, { ...options, ids }), { name }), places);
  return names === undefined ? model : renameModels(model, names);
}

function isList(models: NonNullable<UpstreamConfig["models"]>): models is readonly string[] {
  return Array.isArray(models);
}
