import { resolveConfig } from "../gateway/operator.ts";
import { connect } from "../redis/index.ts";
import {
  NODE_SIZES_OF,
  nodesFor,
  planSize,
  planUsed,
  sampleSize,
  type Load,
  type ServerPlan,
  type SizePlan,
  type SizeSample,
} from "../size/index.ts";
import type { Given } from "./command.ts";
import { print } from "./print.ts";
import { usageError } from "./read-command.ts";
import { SIZE_NUMBERS, type SizeNumber } from "./size-flags.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

const USAGE =
  "size --entries N | --sessions N | --facts N | --jobs N | --identities N | --vectors N | --messages N, or size --from-redis";

/** Largest number that a flag takes. */
const NUMBER_MAX = 1e12;
const SAMPLES_MAX = 100_000;
const MIB = 1024 ** 2;

/** The least and the most that a flag takes, where that is not 0 to a million millions of whole things. */
const RANGES: Partial<Record<SizeNumber, readonly [min: number, max: number]>> = {
  dimensions: [0, 32_768],
  "vector-dimensions": [1, 32_768],
  rules: [1, 16],
  replicas: [0, 500],
  "compressed-share": [0.1, 1],
  fragmentation: [1, 3],
  headroom: [0, 0.9],
  samples: [1, SAMPLES_MAX],
};
const SWITCHES = ["compact", "bounded", "quantisation"];
/** Flags that also apply to a running installation. */
const OF_ANY: ReadonlySet<string> = new Set(["replicas", "fragmentation", "headroom", "samples"]);
const FRACTIONS = new Set<SizeNumber>(["compressed-share", "fragmentation", "headroom"]);

/**
 * `marrow size`: how much memory a Redis needs for a load, by role, with the sizes of managed services that it fits on; or, with
 * `--from-redis`, how a running installation's memory is spread, from a sample of its keys.
 */
export async function runSize(given: Given): Promise<number> {
  const numberOf = (name: SizeNumber) => readNumber(name, given.text(name));
  const how = {
    fragmentation: numberOf("fragmentation"),
    replicas: numberOf("replicas"),
    headroom: numberOf("headroom"),
  };
  if (given.has("from-redis")) {
    const other = [...Object.keys(SIZE_NUMBERS), ...SWITCHES].find((flag) => !OF_ANY.has(flag) && given.has(flag));
    if (other !== undefined) throw usageError(`--${other} has no effect beside --from-redis`, other);
    const sample = await sampleInstallation(numberOf("samples"));
    const plan = planUsed(sample.usedBytes, how);
    print(given, { ...sample, plan: { ...plan, fits: nodesFor(plan.serverBytes) } }, () => [
      describeSample(sample),
      ...describeServer(plan),
    ]);
    return 0;
  }
  refuseIdle(numberOf, given);
  const load = toLoad(numberOf, given);
  if (Object.keys(load).length === 0) throw usageError(`expected ${USAGE}`, "entries");
  const plan = planSize(load, {
    compressedShare: numberOf("compressed-share"),
    ...how,
  });
  const fits = nodesFor(plan.serverBytes);
  print(given, { ...plan, fits }, () => [describePlan(plan)]);
  return 0;
}

function readNumber(name: SizeNumber, given: string | undefined): number {
  const text = given ?? SIZE_NUMBERS[name];
  const [min, max] = RANGES[name] ?? [0, NUMBER_MAX];
  const number = Number(text.replaceAll("_", ""));
  const whole = FRACTIONS.has(name) || Number.isInteger(number);
  if (text.trim() === "" || !whole || !(number >= min && number <= max))
    throw usageError(
      `--${name} must be ${FRACTIONS.has(name) ? "a number" : "a whole number"} of ${min} to ${max}, got ${JSON.stringify(text).slice(0, 60)}`,
      name,
    );
  return number;
}

/** Numbers that a flag modifies; without any of them it would have no effect. */
const BELONGS: Partial<Record<SizeNumber | "compact" | "bounded" | "quantisation", readonly SizeNumber[]>> = {
  "question-bytes": ["entries"],
  "answer-bytes": ["entries"],
  compact: ["entries"],
  bounded: ["entries"],
  dimensions: ["entries", "facts", "vectors"],
  turns: ["sessions"],
  "turn-bytes": ["sessions"],
  "fact-bytes": ["facts"],
  "payload-bytes": ["jobs"],
  rules: ["identities"],
  "vector-dimensions": ["vectors"],
  "vector-payload-bytes": ["vectors"],
  quantisation: ["vectors"],
  "message-bytes": ["messages"],
  "compressed-share": ["entries", "sessions", "facts", "jobs", "vectors", "messages"],
};

/** Refuses flags without effect, because users would trust the plan. @throws MarrowError `invalid_option` */
function refuseIdle(numberOf: (name: SizeNumber) => number, given: Given): void {
  if (given.has("samples")) throw usageError("--samples has an effect only beside --from-redis", "samples");
  for (const [flag, owners] of Object.entries(BELONGS))
    if (given.has(flag) && !owners.some((owner) => numberOf(owner) > 0))
      throw usageError(
        `--${flag} has an effect only beside ${owners.map((owner) => `--${owner} N`).join(" or ")}${flag === "turns" ? "; it counts the turns of each session" : ""}`,
        flag,
      );
}

function toLoad(numberOf: (name: SizeNumber) => number, given: Given): Load {
  const quantisation = given.text("quantisation") as "q8" | "none" | "binary";
  const wanted = (name: SizeNumber) => numberOf(name) > 0;
  return {
    ...(wanted("entries") && {
      entries: {
        count: numberOf("entries"),
        questionBytes: numberOf("question-bytes"),
        answerBytes: numberOf("answer-bytes"),
        dimensions: numberOf("dimensions"),
        compact: given.has("compact"),
        bounded: given.has("bounded"),
      },
    }),
    ...(wanted("sessions") && {
      sessions: { count: numberOf("sessions"), turns: numberOf("turns"), turnBytes: numberOf("turn-bytes") },
    }),
    ...(wanted("facts") && {
      facts: { count: numberOf("facts"), factBytes: numberOf("fact-bytes"), dimensions: numberOf("dimensions") },
    }),
    ...(wanted("jobs") && { jobs: { count: numberOf("jobs"), payloadBytes: numberOf("payload-bytes") } }),
    ...(wanted("identities") && { identities: { count: numberOf("identities"), rules: numberOf("rules") } }),
    ...(wanted("vectors") && {
      vectors: {
        count: numberOf("vectors"),
        dimensions:
          given.text("vector-dimensions") === undefined ? numberOf("dimensions") : numberOf("vector-dimensions"),
        payloadBytes: numberOf("vector-payload-bytes"),
        quantisation,
      },
    }),
    ...(wanted("messages") && {
      messages: { count: numberOf("messages"), messageBytes: numberOf("message-bytes") },
    }),
  };
}

async function sampleInstallation(samples: number): Promise<SizeSample> {
  const { redisUrl = "redis://localhost:6379", redis: how } = readSurroundings();
  const { app } = resolveConfig(await loadConfig());
  const redis = await connect(redisUrl, { ...how, app });
  try {
    return await sampleSize(redis, { samples });
  } finally {
    await redis.close();
  }
}

const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;

function describePlan({ roles, ruleOfThumb: rule, ...plan }: SizePlan): string {
  return [
    ...roles.map(
      ({ role, count, bytesEach, bytes }) =>
        `${role.padEnd(12)}${String(count).padStart(12)} x ${String(bytesEach).padStart(7)} bytes  ${mib(bytes).padStart(14)}`,
    ),
    ...(rule === undefined
      ? []
      : [
          `${"rule of thumb, entries".padEnd(24)} x ${String(rule.bytesEach).padStart(7)} bytes  ${mib(rule.bytes).padStart(14)}`,
        ]),
    ...describeServer(plan),
  ].join("\n");
}

function describeServer({ usedBytes, serverBytes, totalBytes }: ServerPlan): readonly string[] {
  const fits = nodesFor(serverBytes);
  return [
    `${"in use".padEnd(46)}${mib(usedBytes).padStart(12)}`,
    `${"a server, with fragmentation and headroom".padEnd(46)}${mib(serverBytes).padStart(12)}`,
    `${"with replicas".padEnd(46)}${mib(totalBytes).padStart(12)}`,
    ...(fits.length === 0
      ? ["No single server of the services below holds this: use a cluster."]
      : fits.map(({ service, name, gib }) => `fits ${service} ${name} (${gib} GiB)`)),
    `Sizes of services as published in ${NODE_SIZES_OF}; measured on Redis 8.0 with vector sets: docs/sizing.md.`,
  ];
}

function describeSample({ keys, sampled, usedBytes, roles, unexplainedBytes }: SizeSample): string {
  return [
    `${keys} keys, ${sampled} sampled, ${mib(usedBytes)} in use`,
    ...roles.map(({ role, keys: count, bytes }) => `${role.padEnd(14)}about ${count} keys, ${mib(bytes)}`),
    `not explained by the sample: ${mib(unexplainedBytes)} (the server itself, and keys too few and large to be met)`,
  ].join("\n");
}
