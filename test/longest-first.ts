import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take more than ten seconds beside others, the longest first: one that begins last is waited for by the other workers. */
const LONGEST: readonly string[] = [
  "test/conformance/vectors-postgres.live.test.ts",
  "test/conformance/vectors.live.test.ts",
  "test/e2e/dashboard-browser.live.test.ts",
  "test/conformance/vectors-search.live.test.ts",
  "test/e2e/a2a.live.test.ts",
  "test/e2e/damaged-admin.live.test.ts",
  "test/e2e/damaged-chats.live.test.ts",
  "test/e2e/leaving.live.test.ts",
  "test/e2e/shared-streams.live.test.ts",
  "test/e2e/long-background.live.test.ts",
  "test/e2e/long-texts.live.test.ts",
  "test/conformance/cluster.live.test.ts",
  "test/kill/webhooks.fault.live.test.ts",
  "test/e2e/idempotency.live.test.ts",
  "test/replay/replay.live.test.ts",
  "test/conformance/search-cache.live.test.ts",
  "test/e2e/http.live.test.ts",
  "test/e2e/quotas.live.test.ts",
  "test/e2e/cli-operators.live.test.ts",
  "test/deploy/dev.live.test.ts",
  "test/kill/queue.fault.live.test.ts",
  "test/kill/topic.fault.live.test.ts",
  "test/conformance/cluster-readiness.fault.live.test.ts",
  "test/e2e/draining.live.test.ts",
  "test/e2e/killed-gateway.fault.live.test.ts",
  "test/e2e/memory-append.fault.live.test.ts",
];
const PLACES: ReadonlyMap<string, number> = new Map(LONGEST.map((file, place) => [file, place]));

/** Vitest's order of projects and files, with the longest files of each project before its others, also where no run is remembered. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project);
    const root = this.ctx.config.root;
    const place = ({ moduleId }: TestSpecification) => PLACES.get(relative(root, moduleId)) ?? LONGEST.length;
    return [...projects.values()].flatMap((ones) => ones.toSorted((a, b) => place(a) - place(b)));
  }
}
