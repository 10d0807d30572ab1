/**
 * CPU of routing: a call of a model that answers at once, without a router, through a router with one upstream, and through a route of one and of two
 * upstreams. No network and no Redis: what is left is the router's own work. Many short rounds in turns, told as medians with their quartiles.
 *
 *   npm run bench:routing [-- --rounds 30 --calls 3000]
 */
import { parseArgs } from "node:util";
import { createRouter, type ChatModel, type ModelAnswer, type StreamPart } from "marrow/models";
import { median, quantile, round } from "./support/statistics.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "30" }, calls: { type: "string", default: "3000" } },
});
const [ROUNDS, CALLS] = [Number(values.rounds), Number(values.calls)];
const IN_FLIGHT = 64;

const message = { role: "assistant", content: "The quick brown fox." };
const completion: ModelAnswer["completion"] = {
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m",
  choices: [{ index: 0, message, finish_reason: "stop" }],
};
const answer: ModelAnswer = { text: JSON.stringify(completion), completion };
const part = (delta: object, done: boolean): StreamPart => ({
  bytes: Buffer.from("data: {}\n\n"),
  chunks: [{ choices: [{ index: 0, delta: { ...delta } }] }],
  done,
});
const PARTS = [part({ role: "assistant" }, false), part({ content: "The" }, false), part({ content: " fox" }, true)];

/** A turn of the event loop, as any endpoint takes: timers and signals live as long as they would. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A model that answers in the next turn. */
function modelOf(id = "m"): ChatModel {
  return {
    list: async () => [],
    serves: (asked) => asked === id,
    async complete() {
      await turn();
      return answer;
    },
    async stream() {
      await turn();
      return (async function* () {
        yield* PARTS;
      })();
    },
  };
}

const rules = {
  attemptsMax: 5,
  backoffMs: 250,
  backoffMaxMs: 4_000,
  timeoutMs: 600_000,
  retryShare: 0.25,
  retryReserve: 10,
  coolDown: { failures: 5, errorRate: 0.25, callsMin: 20, firstMs: 1_000, longestMs: 60_000 },
};
const groupsOf = (...names: readonly string[]) => names.map((upstream) => [{ upstream, model: "m" }]);
const router = createRouter({
  upstreams: [
    { model: modelOf(), name: "one", ids: ["m"] },
    { model: modelOf("other"), name: "two", ids: ["other"] },
  ],
  routes: {
    routeOfOne: { groups: groupsOf("one"), sticky: "session" },
    routeOfTwo: { groups: groupsOf("one", "two"), sticky: "session" },
  },
  rules,
});
const variants: readonly (readonly [string, string, () => ChatModel])[] = [
  [
    "model",
    "m",
    (
      (model) => () =>
        model
    )(modelOf()),
  ],
  ["oneUpstream", "m", () => found("m")],
  ["routeOfOne", "routeOfOne", () => found("routeOfOne")],
  ["routeOfTwo", "routeOfTwo", () => found("routeOfTwo")],
];

const cpu = new Map<string, number[]>();
for (let at = -5; at < ROUNDS; at += 1)
  for (const isStream of [false, true])
    for (const [name, id, find] of at % 2 === 0 ? variants : variants.toReversed()) {
      const us = await measure(id, find, isStream);
      const key = isStream ? `${name}Stream` : name;
      // The first rounds warm up.
      if (at >= 0) cpu.set(key, [...(cpu.get(key) ?? []), us]);
    }

const us = (name: string) => round(median(cpu.get(name) ?? []));
console.log(`${ROUNDS} rounds of ${CALLS} calls, ${IN_FLIGHT} in flight; us of CPU a call: median (quartiles)`);
for (const [name, all] of cpu)
  console.log(`${name.padEnd(18)} ${us(name)} (${round(quantile(all, 0.25))} to ${round(quantile(all, 0.75))})`);
console.log(
  JSON.stringify({
    bench: "routing",
    oneUpstreamUs: round(us("oneUpstream") - us("model")),
    routeOfOneUs: round(us("routeOfOne") - us("model")),
    routeOfTwoUs: round(us("routeOfTwo") - us("model")),
    oneUpstreamStreamUs: round(us("oneUpstreamStream") - us("modelStream")),
    routeOfOneStreamUs: round(us("routeOfOneStream") - us("modelStream")),
  }),
);

function found(id: string): ChatModel {
  const model = router.find(id);
  if (model === undefined) throw new Error(`no model serves ${id}`);
  return model;
}

async function measure(id: string, find: () => ChatModel, isStream: boolean): Promise<number> {
  const request = { model: id, messages: [{ role: "user", content: "hello" }] };
  let left = CALLS;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left > 0) {
        left -= 1;
        const { signal } = new AbortController();
        if (!isStream) {
          await find().complete({ request, signal });
          continue;
        }
        for await (const _ of await find().stream({ request: { ...request, stream: true }, signal }));
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS;
}
