import type { GatewayConfig } from "../config/config.ts";
import { registerPage } from "../dashboard/page.ts";
import type { SignIns } from "../dashboard/sign-ins.ts";
import type { Inside } from "../http/inside.ts";
import type { GatewayApp } from "../parts.ts";
import { registerAdmin } from "./admin.ts";
import { registerAudit } from "./audit.ts";
import { registerBatchesAdmin } from "./batches.ts";
import { registerBus } from "./bus.ts";
import { registerCacheAdmin } from "./cache.ts";
import { registerCacheEntries } from "./cache-entries.ts";
import { registerEndpoints } from "./endpoints.ts";
import { registerCondition } from "./condition.ts";
import { boundNames } from "./guard.ts";
import { registerLive } from "./live.ts";
import { registerOverview } from "./overview.ts";
import { registerPlayground } from "./playground.ts";
import type { Pulse } from "./pulse.ts";
import { registerQueues } from "./queues.ts";
import { registerSavings } from "./savings.ts";
import { registerSession } from "./session.ts";
import { registerTraces } from "./traces.ts";
import { registerUsers } from "./users.ts";
import { registerVectorsAdmin } from "./vectors.ts";

/** Dependencies of the administration, beside those of all routes. */
export interface AdministrationParts {
  readonly config: GatewayConfig;
  readonly pulse: Pulse;
  /** `undefined` if the dashboard is off. */
  readonly signIns: SignIns | undefined;
  readonly askAs: Inside["askAs"];
}

/** Registers `/v1/admin/…` and the dashboard, a page that only calls these routes. */
export function registerAdministration(
  parts: GatewayApp,
  { config, pulse, signIns, askAs }: AdministrationParts,
): void {
  boundNames(parts.app);
  // The audit log first: it only sees routes that are registered after it.
  registerAudit(parts, signIns);
  registerAdmin(parts);
  registerSavings(parts);
  const overview = registerOverview(parts, pulse);
  registerPlayground(parts, askAs);
  registerCacheAdmin(parts, config);
  registerCacheEntries(parts, config);
  registerEndpoints(parts, config);
  const queues = registerQueues(parts, config);
  registerLive(parts, { overview, queues });
  registerBatchesAdmin(parts);
  registerUsers(parts, config);
  registerBus(parts, config);
  registerVectorsAdmin(parts, config);
  registerTraces(parts, config);
  registerCondition(parts, config);
  if (signIns === undefined) return;
  registerSession(parts, config, signIns);
  registerPage(parts.app);
}
