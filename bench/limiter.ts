/**
 * Decisions of two levels, of one unit and of two, all or none: Marrow beside rate-limiter-flexible (one call, and its union of two) and
 * @upstash/ratelimit through an adapter to ioredis (one call, and two). 64 callers, 10,000 identities, one server, interleaved rounds.
 * Server CPU from the scheduler's books, time at 64 callers, bytes by MEMORY USAGE.
 *
 *   npm run bench:limiter
 */
import { Ratelimit } from "@upstash/ratelimit";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createLimiter, type Rule } from "marrow/limiter";
import { RateLimiterRedis, RateLimiterUnion } from "rate-limiter-flexible";
import { cpuUsOf } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const CALLERS = 64;
const DECISIONS = 20_000;
const IDENTITIES = 10_000;
const ROUNDS = 9;
const MUCH = 1_000_000_000;
const WINDOW_MS = 60_000;

const server = await startBenchRedis();
const plain = new Ioredis(server.url.replace("unix://", ""));
const redis = await connect(server.url, { app: "bench" });
const pid = Number(/process_id:(\d+)/.exec(await plain.info("server"))?.[1]);
const identities = Array.from({ length: IDENTITIES }, (_, at) => `user-${String(at).padStart(31, "0")}`);

const rule = (id: string, by: string, more: object = {}): Rule => ({
  id,
  by,
  limit: MUCH,
  windowMs: WINDOW_MS,
  ...more,
});
const limiter = (name: string, rules: readonly Rule[]) =>
  createLimiter(redis.scope("bench"), { name, rules, onUnavailable: "refuse" });
const one = limiter("one", [rule("user", "user")]);
const two = limiter("two", [rule("user", "user"), rule("app", "app")]);
const twoFixed = limiter("fixed", [
  rule("user", "user", { algorithm: "fixedWindow" }),
  rule("app", "app", { algorithm: "fixedWindow" }),
]);
const twoBuckets = limiter("buckets", [
  rule("user", "user", { algorithm: "tokenBucket" }),
  rule("app", "app", { algorithm: "tokenBucket" }),
]);
const four = limiter("four", [
  rule("user", "user"),
  rule("app", "app"),
  rule("user-tokens", "user", { unit: "tokens" }),
  rule("app-tokens", "app", { unit: "tokens" }),
]);

const flexible = (keyPrefix: string) =>
  new RateLimiterRedis({ storeClient: plain, points: MUCH, duration: WINDOW_MS / 1_000, keyPrefix });
const flexibleOne = flexible("rlf");
const flexibleUser = flexible("rlf-user");
const flexibleApp = flexible("rlf-app");
const union = new RateLimiterUnion(flexibleUser, flexibleApp);

/** Its client speaks HTTP; these are the two calls that it makes, on a real connection. */
const adapter = {
  evalsha: (sha: string, keys: string[], args: unknown[]) =>
    plain.evalsha(sha, keys.length, ...keys, ...args.map(String)),
  eval: (script: string, keys: string[], args: unknown[]) =>
    plain.eval(script, keys.length, ...keys, ...args.map(String)),
} as unknown as ConstructorParameters<typeof Ratelimit>[0]["redis"];
const upstash = (prefix: string, sliding: boolean) =>
  new Ratelimit({
    redis: adapter,
    limiter: sliding ? Ratelimit.slidingWindow(MUCH, "60 s") : Ratelimit.fixedWindow(MUCH, "60 s"),
    prefix,
    ephemeralCache: false,
    timeout: 0,
  });
const upstashFixed = upstash("up-fixed", false);
const upstashSliding = upstash("up-sliding", true);

interface Way {
  readonly name: string;
  readonly decide: (user: string) => Promise<unknown>;
  /** Keys that one identity has of its own. */
  readonly keys?: (user: string) => readonly string[];
}
const marrowKeys = (name: string) => (user: string) => [`{bench:bench}:limiter:${name}:of:user:${user}`];
const ways: readonly Way[] = [
  { name: "flexible one", decide: (user) => flexibleOne.consume(user), keys: (user) => [`rlf:${user}`] },
  { name: "flexible union of two", decide: (user) => union.consume(user) },
  { name: "upstash fixed one", decide: (user) => upstashFixed.limit(user) },
  { name: "upstash sliding one", decide: (user) => upstashSliding.limit(user) },
  { name: "marrow one level", decide: (user) => one.take({ user }), keys: marrowKeys("one") },
  { name: "marrow two levels", decide: (user) => two.take({ user }), keys: marrowKeys("two") },
  { name: "marrow two levels, fixed windows", decide: (user) => twoFixed.take({ user }) },
  { name: "marrow two levels, token buckets", decide: (user) => twoBuckets.take({ user }) },
  {
    name: "marrow two levels, two units",
    decide: (user) => four.take({ user }, { tokens: 100 }),
    keys: marrowKeys("four"),
  },
];

interface Round {
  readonly serverUs: number;
  readonly clientUs: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

async function measure({ decide }: Way): Promise<Round> {
  const tookUs: number[] = [];
  let next = 0;
  const [serverBefore, clientBefore, startMs] = [cpuUsOf(pid), process.cpuUsage(), performance.now()];
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (next < DECISIONS) {
        const user = identities[next % IDENTITIES] as string;
        next += 1;
        const beganMs = performance.now();
        await decide(user);
        tookUs.push((performance.now() - beganMs) * 1_000);
      }
    }),
  );
  const ms = performance.now() - startMs;
  const client = process.cpuUsage(clientBefore);
  return {
    serverUs: (cpuUsOf(pid) - serverBefore) / DECISIONS,
    clientUs: (client.user + client.system) / DECISIONS,
    perSecond: (DECISIONS / ms) * 1_000,
    p50Us: quantile(tookUs, 0.5),
    p99Us: quantile(tookUs, 0.99),
  };
}

const rounds = new Map<string, Round[]>(ways.map(({ name }) => [name, []]));
for (let at = -1; at < ROUNDS; at += 1) {
  for (const way of at % 2 === 0 ? ways : ways.toReversed()) {
    const measured = await measure(way);
    if (at >= 0) rounds.get(way.name)?.push(measured);
  }
}
const of = (name: string, figure: keyof Round) => median((rounds.get(name) ?? []).map((each) => each[figure]));
/** The ratio round by round: what the machine does at the moment is in both. */
const ratio = (name: string, peer: string, figure: keyof Round) =>
  median((rounds.get(name) ?? []).map((each, at) => each[figure] / (rounds.get(peer)?.[at]?.[figure] ?? Number.NaN)));

const bytes: Record<string, number> = {};
for (const { name, decide, keys } of ways) {
  const user = "user-0123456789abcdef0123456789abcde";
  await decide(user);
  let sum = 0;
  for (const key of keys?.(user) ?? []) sum += Number(await plain.call("MEMORY", "USAGE", key));
  if (sum > 0) bytes[name] = sum;
  console.log(
    `${name.padEnd(34)} ${Math.round(of(name, "perSecond"))} decisions/s, p50 ${Math.round(of(name, "p50Us"))} us, ` +
      `p99 ${Math.round(of(name, "p99Us"))} us; server ${of(name, "serverUs").toFixed(1)} us, client ` +
      `${of(name, "clientUs").toFixed(1)} us a decision${sum > 0 ? `; ${sum} bytes an identity` : ""}`,
  );
}
const peers = ["flexible one", "upstash fixed one"];
const fastest = peers.toSorted((a, b) => of(a, "serverUs") - of(b, "serverUs"))[0] as string;
console.log(`fastest peer by server CPU: ${fastest}`);
console.log(
  JSON.stringify({
    bench: "limiter",
    twoLevelsVsFastestPeer: round(ratio("marrow two levels", fastest, "serverUs")),
    twoLevelsFixedVsFastestPeer: round(ratio("marrow two levels, fixed windows", fastest, "serverUs")),
    twoLevelsBucketsVsFastestPeer: round(ratio("marrow two levels, token buckets", fastest, "serverUs")),
    twoLevelsTwoUnitsVsFastestPeer: round(ratio("marrow two levels, two units", fastest, "serverUs")),
    oneLevelVsFastestPeer: round(ratio("marrow one level", fastest, "serverUs")),
    twoLevelsVsUnionCpu: round(ratio("marrow two levels", "flexible union of two", "serverUs")),
    twoLevelsVsUnionThroughput: round(ratio("marrow two levels", "flexible union of two", "perSecond")),
    p50Us: Math.round(of("marrow two levels", "p50Us")),
    p99Us: Math.round(of("marrow two levels", "p99Us")),
    bytesAnIdentity: bytes["marrow one level"],
    bytesAnIdentityTwoUnits: bytes["marrow two levels, two units"],
    bytesAnIdentityPeer: bytes["flexible one"],
  }),
);
await redis.close();
plain.disconnect();
await server.stop();
process.exit(0);
