/** A size of a managed service. */
export interface NodeSize {
  readonly service: "ElastiCache" | "MemoryDB" | "Redis Cloud";
  readonly name: string;
  /** Memory for data, in GiB: as given to Redis by the service, before any reservation. */
  readonly gib: number;
}

/** Year of the table below. It was written from published tables and not tried; check the service's own page before you order. */
export const NODE_SIZES_OF = "2025";

const GRAVITON: readonly (readonly [name: string, gib: number])[] = [
  ["t4g.micro", 0.5],
  ["t4g.small", 1.37],
  ["t4g.medium", 3.09],
  ["m7g.large", 6.38],
  ["r7g.large", 13.07],
  ["r7g.xlarge", 26.32],
  ["r7g.2xlarge", 52.82],
  ["r7g.4xlarge", 105.81],
  ["r7g.8xlarge", 209.55],
  ["r7g.12xlarge", 317.77],
  ["r7g.16xlarge", 419.09],
];

/** Sizes that MemoryDB offers: nothing below `t4g.small`, and no `m7g`. */
const IN_MEMORYDB = /^(?:t4g\.(?:small|medium)|r7g\.)/;

/** Fixed sizes of Redis Cloud; beyond them any size can be had. */
const REDIS_CLOUD = [0.25, 1, 2.5, 5, 12];

export const NODE_SIZES: readonly NodeSize[] = [
  ...GRAVITON.map(([name, gib]): NodeSize => ({ service: "ElastiCache", name: `cache.${name}`, gib })),
  ...GRAVITON.filter(([name]) => IN_MEMORYDB.test(name)).map(([name, gib]): NodeSize => ({
    service: "MemoryDB",
    name: `db.${name}`,
    gib,
  })),
  ...REDIS_CLOUD.map((gib): NodeSize => ({ service: "Redis Cloud", name: `${gib} GB`, gib })),
];

/**
 * Returns the smallest size of each service that fits one server of this many bytes (headroom is included). If none fits, the data needs a
 * cluster or a size by arrangement.
 */
export function nodesFor(serverBytes: number): readonly NodeSize[] {
  const fitting = NODE_SIZES.filter(({ gib }) => gib * 1024 ** 3 >= serverBytes);
  const services = [...new Set(NODE_SIZES.map(({ service }) => service))];
  return services.flatMap((service) =>
    fitting
      .filter((node) => node.service === service)
      .toSorted((a, b) => a.gib - b.gib)
      .slice(0, 1),
  );
}
