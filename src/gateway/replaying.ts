import { MarrowError } from "../errors.ts";
import type { Embedder } from "../embedders/index.ts";
import { createPrices, type ChatModel, type Prices } from "../models/index.ts";
import type { Redis } from "../redis/index.ts";
import type { GatewayConfig } from "./config/config.ts";
import { readPriceFile } from "./config/price-file.ts";
import { createCoolDowns } from "./models/cool-downs.ts";
import { createEmbedder } from "./models/embedder.ts";
import { openModels } from "./models/model-source.ts";
import { createLaneGates } from "./tenancy/lanes.ts";

/** The parts of a configuration that decide which answers its gateway would share, and their cost. */
export interface ReplayParts {
  readonly embedder: Embedder | undefined;
  readonly minScore: number | undefined;
  readonly sharing: Pick<GatewayConfig["cache"], "per" | "personal">;
  readonly prices: Prices;
  /** The model to judge with. */
  readonly judge: { readonly model: ChatModel; readonly id: string } | undefined;
  close(): Promise<void>;
}

/**
 * Makes the parts that a gateway of this configuration would use. @throws MarrowError `invalid_option` for a judge that no upstream serves
 */
export function openReplayParts(config: GatewayConfig, redis: Redis, judge: string | undefined): ReplayParts {
  const { cache, prices, onUnpriced, pricesFile } = config;
  const models =
    judge === undefined
      ? undefined
      : openModels(config, { own: [], laneOf: createLaneGates(redis), coolDowns: createCoolDowns(redis) });
  const model = judge === undefined ? undefined : models?.find(judge);
  if (judge !== undefined && model === undefined)
    throw new MarrowError(
      "invalid_option",
      "--judge must be the id of a model that some upstream of the configuration serves",
      {
        details: { path: "judge" },
      },
    );
  return {
    embedder: cache.semantic ? createEmbedder(config.embedder, redis, () => {}) : undefined,
    minScore: cache.minScore,
    sharing: { per: cache.per, personal: cache.personal },
    prices: createPrices(prices, { onUnpriced, file: readPriceFile(pricesFile) }),
    judge: model === undefined || judge === undefined ? undefined : { model, id: judge },
    close: async () => models?.close(),
  };
}
