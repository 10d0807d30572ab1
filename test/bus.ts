import { createBus, type Agent, type Bus, type BusOptions } from "../src/bus/index.ts";
import type { ScopedRedis } from "../src/redis/index.ts";

/** A bus and its agents for as long as a test needs them. */
export async function onBus(
  redis: ScopedRedis,
  run: (bus: Bus, keep: <A extends Agent>(agent: Promise<A>) => Promise<A>) => Promise<void>,
  options: BusOptions = {},
): Promise<void> {
  const bus = createBus(redis, options);
  const agents: Agent[] = [];
  try {
    await run(bus, async (opening) => {
      const agent = await opening;
      agents.push(agent);
      return agent;
    });
  } finally {
    await Promise.all(agents.map((agent) => agent.close()));
    await bus.close();
  }
}
