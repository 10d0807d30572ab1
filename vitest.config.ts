import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["@marrow/source"] },
  ssr: { resolve: { conditions: ["@marrow/source"] } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    reporters: ["default", "./test/counts-reporter.ts"],
    // Tests keep nothing in module state, so files may share one; on two cores that is worth a factor of 25.
    isolate: false,
    pool: "threads",
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
export default config;
