import { defineConfig, type ViteUserConfig } from "vitest/config";

/**
 * Files whose verdict is a measurement of time or memory. What else the machine does may spoil one, so a failure counts when a second
 * measurement says the same; the run's last lines name what had to be measured twice.
 */
const MEASURED = [
  "test/e2e/many.live.test.ts",
  "test/{scaling,size}/**/*.test.ts",
  "src/flow/usage-asked.test.ts",
  "src/gateway/http/watchdog.test.ts",
  "src/gateway/models/tokens.test.ts",
  "src/internal/time-slice.test.ts",
  "src/redis/deadlines.test.ts",
  "src/stores/chunk-pool.test.ts",
];

/**
 * Files that count what the shared server does or take its scripts away, or that stop and kill servers within bounds: they have the
 * machine to themselves, as those that measure. All others wait more than they work, and run two at a time.
 */
const ALONE = [
  "**/*.fault.live.test.ts",
  "test/{chaos,fuzz,kill}/**/*.test.ts",
  "test/e2e/{cli,draining,media,rolling-restart,together,worker}.live.test.ts",
  "src/bus/presence.live.test.ts",
  "src/limiter/{slots,fronts/beside}.live.test.ts",
  "src/queue/{pausing,reports,schedule}.live.test.ts",
];

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
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...ALONE, ...MEASURED],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
      {
        extends: true,
        test: { name: "measured", include: MEASURED, maxWorkers: 1, retry: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
export default config;
