/**
 * A turn appended to a session, and the newest ten read, at 10, 100 and 1,000 turns: Marrow beside the usual GET and SET of the whole session
 * as JSON, and beside @langchain/redis's chat history. Interleaved rounds on one server; bytes on the wire by the server's own counters.
 *
 *   npm run bench:memory
 */
import { HumanMessage } from "@langchain/core/messages";
import { RedisChatMessageHistory } from "@langchain/redis";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createMemory } from "marrow/memory";
import { freePort } from "../test/servers.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, round } from "./support/statistics.ts";

const SIZES = [10, 100, 1_000];
const ROUNDS = 9;
const TURNS_A_ROUND = 20;
const LAST = 10;
const TTL_MS = 3_600_000;
const textOf = (n: number) => `Turn ${n}: ${"a sentence as people write it to an assistant, ".repeat(4)}`;

const server = await startBenchRedis();
const raw = new Ioredis(server.url.replace("unix://", ""));
const port = await freePort();
await raw.config("SET", "port", String(port));
const url = `redis://127.0.0.1:${port}`;
const redis = await connect(url, { app: "bench" });
const plain = new Ioredis(url);

interface Way {
  readonly name: string;
  append(session: string, n: number): Promise<unknown>;
  read(session: string): Promise<unknown>;
  keys(session: string): string[];
}

const memory = createMemory(redis.scope("bench"), { name: "m", turnsMax: 2_000 });
const histories = new Map<string, RedisChatMessageHistory>();
function historyOf(sessionId: string): RedisChatMessageHistory {
  const known =
    histories.get(sessionId) ?? new RedisChatMessageHistory({ sessionId, sessionTTL: TTL_MS / 1000, config: { url } });
  histories.set(sessionId, known);
  return known;
}

const ways: readonly Way[] = [
  {
    name: "marrow",
    append: (id, n) => memory.session({ user: "u", id }).append({ role: "user", content: textOf(n) }),
    read: (id) => memory.session({ user: "u", id }).window({ last: LAST }),
    keys: (id) => ["log", "meta", "ids"].map((part) => `{bench:bench:u}:memory:m:session:${id}:${part}`),
  },
  {
    name: "json",
    async append(id, n) {
      const turns = JSON.parse((await plain.get(id)) ?? "[]") as unknown[];
      turns.push({ role: "user", content: textOf(n) });
      await plain.set(id, JSON.stringify(turns), "PX", TTL_MS);
    },
    async read(id) {
      return (JSON.parse((await plain.get(id)) ?? "[]") as unknown[]).slice(-LAST);
    },
    keys: (id) => [id],
  },
  {
    name: "langchain",
    append: (id, n) => historyOf(id).addMessage(new HumanMessage(textOf(n))),
    read: async (id) => (await historyOf(id).getMessages()).slice(-LAST),
    keys: (id) => [id],
  },
];

const figures: Record<string, number> = {};
for (const size of SIZES) {
  const sessionOf = ({ name }: Way) => `${name}-${size}`;
  for (const way of ways) for (let n = 0; n < size; n += 1) await way.append(sessionOf(way), n);
  const measured = new Map<string, number[]>();
  const note = (key: string, value: number) => measured.set(key, [...(measured.get(key) ?? []), value]);
  for (let at = -1; at < ROUNDS; at += 1) {
    for (const way of at % 2 === 0 ? ways : ways.toReversed()) {
      for (const act of ["append", "read"] as const) {
        const before = await wireBytes();
        const startMs = performance.now();
        for (let n = 0; n < TURNS_A_ROUND; n += 1)
          await (act === "append" ? way.append(sessionOf(way), n) : way.read(sessionOf(way)));
        const tookMs = (performance.now() - startMs) / TURNS_A_ROUND;
        const bytes = ((await wireBytes()) - before) / TURNS_A_ROUND;
        if (at < 0) continue;
        note(`${way.name} ${act} ms`, tookMs);
        note(`${way.name} ${act} bytes`, bytes);
      }
    }
  }
  for (const way of ways) {
    let bytes = 0;
    for (const key of way.keys(sessionOf(way))) bytes += Number(await raw.call("MEMORY", "USAGE", key, "SAMPLES", "0"));
    const of = (what: string) => median(measured.get(`${way.name} ${what}`) ?? []);
    console.log(
      `${size} turns, ${way.name.padEnd(9)} append ${of("append ms").toFixed(3)} ms, ${Math.round(of("append bytes"))} bytes; ` +
        `last ten ${of("read ms").toFixed(3)} ms, ${Math.round(of("read bytes"))} bytes; ${Math.round(bytes / 1024)} KB kept`,
    );
    figures[`${way.name}KeptBytesAt${size}`] = bytes;
  }
  for (const peer of ["json", "langchain"]) {
    for (const what of ["append ms", "read ms", "append bytes", "read bytes"]) {
      const ratio = median(measured.get(`marrow ${what}`) ?? []) / median(measured.get(`${peer} ${what}`) ?? []);
      const [act = "", unit = ""] = what.split(" ");
      figures[`${act}${unit === "ms" ? "" : "Bytes"}Vs${peer === "json" ? "Json" : "Langchain"}At${size}`] =
        round(ratio);
    }
  }
}
console.log(JSON.stringify({ bench: "memory", ...figures }));
await redis.close();
for (const history of histories.values()) await history.client.disconnect();
raw.disconnect();
plain.disconnect();
await server.stop();
process.exit(0);

async function wireBytes(): Promise<number> {
  const info = await raw.info("stats");
  const of = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
  return of("total_net_input_bytes") + of("total_net_output_bytes");
}
