import { resolve } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

/**
 * Files whose verdict is a measurement of time or memory. What else the machine does may spoil one, so a failure counts when a second
 * measurement says the same; the run's last lines name what had to be measured twice.
 */
const MEASURED = [
  "test/e2e/many.live.test.ts",
  "test/{scaling,size}/**/*.test.ts",
  "src/cache/large-answers.live.test.ts",
  "src/flow/usage-asked.test.ts",
  "src/gateway/http/watchdog.test.ts",
  "src/gateway/models/tokens.test.ts",
  "src/internal/time-slice.test.ts",
  "src/queue/large-payloads.live.test.ts",
  "src/redis/deadlines.test.ts",
  "src/stores/chunk-pool.test.ts",
];

/**
 * Files that hold something to milliseconds, or ask so much of the machine that a busy one does not get them done in time: they have it
 * to themselves, as those that measure.
 */
const ALONE = [
  "src/limiter/{slots,fronts/beside}.live.test.ts",
  "src/queue/schedule.live.test.ts",
  "src/redis/{half-open.fault,in-step}.live.test.ts",
  "test/chaos/**/*.test.ts",
  "test/conformance/{dropping,outages.fault}.live.test.ts",
  "test/e2e/{cache-flight,limiter,redis-away,routing,routing.prop}.fault.live.test.ts",
  "test/e2e/{cli,large-answers,large-bodies,long-background,media,rolling-restart,shared-streams,together,worker}.live.test.ts",
  "test/kill/{lease,steps}.fault.live.test.ts",
];

/**
 * Files that break things and wait for them to be well again: servers, workers and gateways of their own that are killed, lost commands,
 * leases that lapse. They mostly wait, within bounds of seconds, so two run at a time.
 */
const WAITING = [
  "**/*.fault.live.test.ts",
  "test/kill/**/*.test.ts",
  "test/e2e/draining.live.test.ts",
  "src/bus/presence.live.test.ts",
  "src/queue/{pausing,reports}.live.test.ts",
];

/** Two halves of one long work, which fill a core each and measure no time. */
const FUZZ = ["test/fuzz/**/*.test.ts"];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["@marrow/source"] },
  ssr: { resolve: { conditions: ["@marrow/source"] } },
  test: {
    globalSetup: ["test/global-setup.ts"],
    reporters: ["default", "./test/counts-reporter.ts"],
    // Tests keep nothing in module state, so files may share one; on two cores that is worth a factor of 25.
    isolate: false,
    pool: "threads",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // A program that a test starts mostly reads sources, which this halves.
    env: { NODE_COMPILE_CACHE: resolve(".cache/compile") },
    sequence: { sequencer: LongestFirst },
    // Each project has a shared server of its own (globalSetup).
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...ALONE, ...FUZZ, ...MEASURED, ...WAITING],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "waiting",
          include: WAITING,
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: "fuzz", include: FUZZ, maxWorkers: 2, sequence: { groupOrder: 2 } } },
      { extends: true, test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 3 } } },
      {
        extends: true,
        test: { name: "measured", include: MEASURED, maxWorkers: 1, retry: 1, sequence: { groupOrder: 4 } },
      },
    ],
  },
});
export default config;
