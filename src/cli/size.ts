import { parseArgs } from "node:util";
import { MarrowError } from "../errors.ts";
import { resolveConfig } from "../gateway/index.ts";
import { connect } from "../redis/index.ts";
import {
  NODE_SIZES_OF,
  nodesFor,
  planSize,
  sampleSize,
  type Load,
  type SizePlan,
  type SizeSample,
} from "../size/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

const USAGE =
  "size --entries N | --sessions N | --facts N | --jobs N | --identities N | --vectors N | --messages N, or size --from-redis";

/** Largest number that a flag takes. */
const NUMBER_MAX = 1e12;
const SAMPLES_MAX = 100_000;
const MIB = 1024 ** 2;

const NUMBERS = {
  entries: "0",
  "question-bytes": "80",
  "answer-bytes": "2000",
  dimensions: "256",
  sessions: "0",
  turns: "10",
  "turn-bytes": "300",
  facts: "0",
  "fact-bytes": "100",
  jobs: "0",
  "payload-bytes": "1000",
  identities: "0",
  rules: "2",
  vectors: "0",
  "vector-dimensions": "",
  "vector-payload-bytes": "500",
  messages: "0",
  "message-bytes": "500",
  replicas: "1",
  "compressed-share": "0.5",
  fragmentation: "1.1",
  headroom: "0.25",
  samples: "1000",
} as const;

type NumberName = keyof typeof NUMBERS;

/** The least and the most that a flag takes, where that is not 0 to a million millions of whole things. */
const RANGES: Partial<Record<NumberName, readonly [min: number, max: number]>> = {
  dimensions: [0, 32_768],
  "vector-dimensions": [1, 32_768],
  rules: [1, 16],
  replicas: [0, 500],
  "compressed-share": [0.1, 1],
  fragmentation: [1, 3],
  headroom: [0, 0.9],
  samples: [1, SAMPLES_MAX],
};
const FRACTIONS = new Set<NumberName>(["compressed-share", "fragmentation", "headroom"]);

/**
 * `marrow size`: how much memory a Redis needs for a load, by role, with the sizes of managed services that it fits on; or, with
 * `--from-redis`, how a running installation's memory is spread, from a sample of its keys.
 */
export async function runSize(args: readonly string[]): Promise<number> {
  const { values } = parse(args);
  const numberOf = (name: NumberName) => readNumber(name, values[name] as string | undefined);
  if (values["from-redis"] === true) {
    const sample = await sampleInstallation(numberOf("samples"));
    console.log(values["json"] === true ? JSON.stringify(sample) : describeSample(sample));
    return 0;
  }
  const load = toLoad(numberOf, values);
  if (Object.keys(load).length === 0) throw new MarrowError("invalid_option", `expected ${USAGE}`);
  const plan = planSize(load, {
    compressedShare: numberOf("compressed-share"),
    fragmentation: numberOf("fragmentation"),
    replicas: numberOf("replicas"),
    headroom: numberOf("headroom"),
  });
  const fits = nodesFor(plan.serverBytes);
  console.log(values["json"] === true ? JSON.stringify({ ...plan, fits }) : describePlan(plan));
  return 0;
}

function parse(args: readonly string[]) {
  const names = Object.keys(NUMBERS) as NumberName[];
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
        compact: { type: "boolean" },
        bounded: { type: "boolean" },
        quantisation: { type: "string", default: "q8" },
        "from-redis": { type: "boolean" },
        json: { type: "boolean" },
      },
    }) as { values: Readonly<Record<string, string | boolean | undefined>> };
  } catch (error) {
    throw new MarrowError("invalid_option", `${(error as Error).message.split(". ")[0]}; expected ${USAGE}`);
  }
}

function readNumber(name: NumberName, given: string | undefined): number {
  const text = given ?? NUMBERS[name];
  const [min, max] = RANGES[name] ?? [0, NUMBER_MAX];
  const number = Number(text.replaceAll("_", ""));
  const whole = FRACTIONS.has(name) || Number.isInteger(number);
  if (text.trim() === "" || !whole || !(number >= min && number <= max))
    throw new MarrowError(
      "invalid_option",
      `--${name} must be ${FRACTIONS.has(name) ? "a number" : "a whole number"} of ${min} to ${max}, got ${JSON.stringify(text).slice(0, 60)}`,
      { details: { path: name } },
    );
  return number;
}

function toLoad(
  numberOf: (name: NumberName) => number,
  values: Readonly<Record<string, string | boolean | undefined>>,
): Load {
  const { quantisation } = values;
  if (quantisation !== "q8" && quantisation !== "none" && quantisation !== "binary")
    throw new MarrowError("invalid_option", "--quantisation must be one of q8, none, binary", {
      details: { path: "quantisation" },
    });
  const wanted = (name: NumberName) => numberOf(name) > 0;
  return {
    ...(wanted("entries") && {
      entries: {
        count: numberOf("entries"),
        questionBytes: numberOf("question-bytes"),
        answerBytes: numberOf("answer-bytes"),
        dimensions: numberOf("dimensions"),
        compact: values["compact"] === true,
        bounded: values["bounded"] === true,
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
        dimensions: values["vector-dimensions"] === undefined ? numberOf("dimensions") : numberOf("vector-dimensions"),
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

function describePlan({ roles, usedBytes, serverBytes, totalBytes }: SizePlan): string {
  const fits = nodesFor(serverBytes);
  return [
    ...roles.map(
      ({ role, count, bytesEach, bytes }) =>
        `${role.padEnd(12)}${String(count).padStart(12)} x ${String(bytesEach).padStart(7)} bytes  ${mib(bytes).padStart(14)}`,
    ),
    `${"in use".padEnd(46)}${mib(usedBytes).padStart(12)}`,
    `${"a server, with fragmentation and headroom".padEnd(46)}${mib(serverBytes).padStart(12)}`,
    `${"with replicas".padEnd(46)}${mib(totalBytes).padStart(12)}`,
    ...(fits.length === 0
      ? ["No single server of the services below holds this: use a cluster."]
      : fits.map(({ service, name, gib }) => `fits ${service} ${name} (${gib} GiB)`)),
    `Sizes of services as published in ${NODE_SIZES_OF}; measured on Redis 8.0 with vector sets: docs/sizing.md.`,
  ].join("\n");
}

function describeSample({ keys, sampled, usedBytes, roles, unexplainedBytes }: SizeSample): string {
  return [
    `${keys} keys, ${sampled} sampled, ${mib(usedBytes)} in use`,
    ...roles.map(({ role, keys: count, bytes }) => `${role.padEnd(14)}about ${count} keys, ${mib(bytes)}`),
    `not explained by the sample: ${mib(unexplainedBytes)} (the server itself, and keys too few and large to be met)`,
  ].join("\n");
}
