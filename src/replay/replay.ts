import { hash } from "node:crypto";
import { measureEntries, modelJudge, PRESETS, type SampledEntry } from "../cache/index.ts";
import { MarrowError } from "../errors.ts";
import { readLines, type Line } from "./lines.ts";
import { checkLog } from "./log-file.ts";
import { PAIRS_SHOWN, type ReplayOptions, type ReplayState } from "./options.ts";
import { choose, meet, type Meeting, type NearPair } from "./pairs.ts";
import {
  CACHE_NAME,
  createPlayer,
  prepare,
  type Place,
  type Played,
  type Player,
  type Prepared,
  type Setting,
} from "./player.ts";
import { parseLine, type LogRecord } from "./records.ts";
import { NUMBERS_MAX, toPairReport, toSettingReport, type ReplayReport } from "./report.ts";
import { count, EMPTY, end, type Tally } from "./tally.ts";

/** Entries of each setting whose memory is measured, chosen at random of all that are stored. */
const SAMPLE_MAX = 5_000;
/** Lines between two reports of how far it is. */
const STEP_LINES = 200;
/** Milliseconds for one verdict. */
const JUDGE_MS = 30_000;

/** State of a run beside its data in Redis. Its JSON is the body of a saved state. */
interface Known {
  readonly lines: number;
  readonly nowMs: number;
  readonly firstMs: number | undefined;
  readonly requests: number;
  readonly formats: Readonly<Record<string, number>>;
  readonly broken: number;
  readonly brokenLines: readonly number[];
  readonly tooLong: number;
  readonly other: number;
  /** Of these, by why. */
  readonly refused: ReplayReport["log"]["refused"];
  readonly withoutAnswer: number;
  readonly withoutTime: number;
}

const NOTHING_KNOWN: Known = {
  lines: 0,
  nowMs: 0,
  firstMs: undefined,
  requests: 0,
  formats: {},
  broken: 0,
  brokenLines: [],
  tooLong: 0,
  other: 0,
  refused: {},
  withoutAnswer: 0,
  withoutTime: 0,
};

/** Result of a replay: a report, or the state of an interrupted one. */
export type Replayed =
  | { readonly kind: "done"; readonly report: ReplayReport }
  | { readonly kind: "stopped"; readonly state: ReplayState };

/**
 * Plays a log through the gateway's cache, once for each preset and TTL, at the log's time, and reports what it would have served and
 * saved. Calls no model except a judge's. Its memory does not grow with the log; live entries are in Redis and deleted at the end.
 * @throws MarrowError `invalid_option` for a log that cannot be read or a state of another one, `unavailable`
 */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { log, sharing, prices, onProgress, signal } = options;
  const settings = options.presets.flatMap((preset) => options.ttlsMs.map((ttlMs): Setting => ({ preset, ttlMs })));
  const bytesAll = await checkLog(log);
  const of = digestOf(options, bytesAll);
  const resumed = options.state;
  if (resumed !== undefined && resumed.of !== of)
    throw new MarrowError(
      "invalid_option",
      "the earlier run had another log or other settings: start over with --anew, or choose another directory with --out",
      {
        details: { path: "out" },
      },
    );
  const lanes = settings.map((setting) => openLane(options, setting, settings));
  let known = NOTHING_KNOWN;
  const served = new Map<string, NearPair>();
  const refused = new Map<string, NearPair>();
  let offset = 0;
  if (resumed !== undefined) {
    const body = resumed.body as ReturnType<typeof toBody>;
    ({ offset } = resumed);
    known = { ...NOTHING_KNOWN, ...body.known };
    for (const [name, pair] of body.served) served.set(name, pair);
    for (const [name, pair] of body.refused) refused.set(name, pair);
    await Promise.all(lanes.map((lane, at) => lane.resume(body.lanes[at] as Saved, known, requestsAt)));
  } else await Promise.all(lanes.map(({ player }) => player.wipe()));

  const toBody = () => ({
    known,
    served: [...served],
    refused: [...refused],
    lanes: lanes.map(({ saved }) => saved()),
  });
  const toState = (): ReplayState => ({ version: 2, of, offset, body: toBody() });
  const tell = async () => {
    const { lines, requests } = known;
    const noted = async () => void (await Promise.all(lanes.map(({ player }) => player.noted())));
    await onProgress?.({ bytes: offset, bytesAll, lines, requests, state: toState, noted });
  };

  /** The requests of a line that was played before. */
  async function requestsAt(place: Place, nowMs: number): Promise<readonly Prepared[]> {
    for await (const { text } of readLines(log, { offset: place.offset, lines: place.line - 1 })) {
      const parsed = text === undefined ? undefined : parseLine(text);
      if (parsed === undefined || "skipped" in parsed) return [];
      return parsed.records.map((record) => prepare(record, { nowMs, place, sharing, prices }));
    }
    return [];
  }

  async function play(record: LogRecord, place: Place): Promise<void> {
    // Time never goes back: a line that is out of order is asked now.
    const nowMs = Math.max(known.nowMs, record.atMs ?? known.nowMs);
    known = {
      ...known,
      nowMs,
      firstMs: known.firstMs ?? record.atMs,
      requests: known.requests + 1,
      withoutAnswer: known.withoutAnswer + (record.completion === undefined ? 1 : 0),
      withoutTime: known.withoutTime + (record.atMs === undefined ? 1 : 0),
    };
    const asked = prepare(record, { nowMs, place, sharing, prices });
    const played = await Promise.all(lanes.map((lane) => lane.play(asked)));
    const meeting = toMeetings(asked, lanes, played);
    for (const one of meeting) meet({ served, refused }, one);
  }

  async function take({ number, text }: Line): Promise<void> {
    known = { ...known, lines: number };
    if (text?.trim() === "") return;
    const parsed = text === undefined ? undefined : parseLine(text);
    if (parsed === undefined) known = { ...known, tooLong: known.tooLong + 1 };
    else if ("skipped" in parsed) {
      if (parsed.skipped === "broken") {
        const brokenLines = withNumber(known.brokenLines, number);
        known = { ...known, broken: known.broken + 1, brokenLines };
      } else {
        const before = known.refused[parsed.why] ?? { count: 0, lines: [] };
        const one = { count: before.count + 1, lines: withNumber(before.lines, number) };
        known = { ...known, other: known.other + 1, refused: { ...known.refused, [parsed.why]: one } };
      }
    } else {
      known = { ...known, formats: { ...known.formats, [parsed.format]: (known.formats[parsed.format] ?? 0) + 1 } };
      for (const record of parsed.records) await play(record, { line: number, offset });
    }
  }

  for await (const line of readLines(log, { offset, lines: known.lines })) {
    if (signal?.aborted === true) return { kind: "stopped", state: toState() };
    await take(line);
    offset = line.endsAt;
    if (line.number % STEP_LINES === 0) await tell();
  }
  await tell();
  const results = await Promise.all(lanes.map((lane) => lane.result()));
  const { judged, doubtful, valuable } = await judgeAll(options, choose({ served, refused }, PAIRS_SHOWN));
  await Promise.all(lanes.map(({ player }) => player.wipe()));
  const report: ReplayReport = {
    object: "replay.report",
    version: "1",
    log: toLogReport(known),
    embedder: options.embedder?.id ?? null,
    settings: results.map(toSettingReport),
    valuable: valuable.map(toPairReport),
    doubtful: doubtful.map(toPairReport),
    judge: judged,
  };
  return { kind: "done", report };
}

/** A setting with its player, its counts, and a sample of its entries. */
interface Lane {
  readonly player: Player;
  readonly setting: Setting;
  readonly play: (asked: Prepared) => Promise<Played>;
  readonly resume: (saved: Saved, ...rewound: Parameters<Player["rewind"]>) => Promise<void>;
  readonly result: () => Promise<Parameters<typeof toSettingReport>[0]>;
  readonly saved: () => Saved;
}

/** A setting's part of a saved state. */
interface Saved {
  readonly tally: Tally;
  readonly sample: readonly SampledEntry[];
  readonly seed: number;
}

function openLane(options: ReplayOptions, setting: Setting, settings: readonly Setting[]): Lane {
  const { redis, embedder, minScore } = options;
  const scoped = redis.scope(scopeOf(options.name, setting));
  // Refused neighbours are reported once per request: by the preset that refuses least, which stores most.
  const explains = setting === loosest(settings);
  const player = createPlayer({ redis: scoped, setting, embedder, minScore, explains });
  let tally = EMPTY;
  let sample: SampledEntry[] = [];
  let seed = 1;

  return {
    player,
    setting,
    async play(asked) {
      const played = await player.play(asked);
      tally = count(end(tally, played.ended), played.outcome);
      if (played.entry !== undefined) {
        // A reservoir: each of all that were stored has the same chance to be in it.
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        if (sample.length < SAMPLE_MAX) sample.push(played.entry);
        else if (seed % tally.stored < SAMPLE_MAX) sample[seed % SAMPLE_MAX] = played.entry;
      }
      return played;
    },
    async resume(saved, ...rewound) {
      tally = saved.tally;
      sample = [...saved.sample];
      seed = saved.seed;
      await player.rewind(...rewound);
    },
    async result() {
      const place = { name: CACHE_NAME, embedder: embedder?.fingerprint };
      const { bytesEach, hasVectors } = await measureEntries(scoped, place, sample);
      return { ...setting, tally, bytesEach, hasVectors };
    },
    saved: () => ({ tally, sample, seed }),
  };
}

/** The scope of a setting, as short as those of tenants are: it is a part of every key, and so of the memory that is measured. */
function scopeOf(name: string, { preset, ttlMs }: Setting): string {
  return `r${hash("sha256", JSON.stringify([name, preset, ttlMs])).slice(0, 9)}`;
}

function loosest(settings: readonly Setting[]): Setting | undefined {
  return settings.toSorted(
    (one, other) => PRESETS.indexOf(other.preset) - PRESETS.indexOf(one.preset) || other.ttlMs - one.ttlMs,
  )[0];
}

/** Returns the pairs of questions that met in one request, among the settings with the longest TTL. */
function toMeetings({ question }: Prepared, lanes: readonly Lane[], played: readonly Played[]): readonly Meeting[] {
  if (question === undefined) return [];
  const asked = question.prompt;
  const longest = Math.max(...lanes.map(({ setting }) => setting.ttlMs));
  const served = new Map<string, Meeting>();
  for (const [at, { near, outcome }] of played.entries()) {
    const { setting } = lanes[at] as Lane;
    if (near === undefined || setting.ttlMs !== longest) continue;
    const before = served.get(near.prompt)?.served ?? [];
    const { prompt: stored, similarity, answer } = near;
    const micros = outcome.cost?.micros ?? 0;
    served.set(stored, { asked, stored, similarity, answer, served: [...before, setting.preset], micros });
  }
  if (served.size > 0) return [...served.values()];
  const refused = played.find((one) => one.refused !== undefined)?.refused;
  if (refused === undefined) return [];
  return [
    { asked, stored: refused.prompt, similarity: refused.similarity, served: [], refused: refused.veto, micros: 0 },
  ];
}

/** Has the doubtful pairs judged, one after the other, where a judge is named. */
async function judgeAll({ judge, prices }: ReplayOptions, chosen: ReturnType<typeof choose>) {
  if (judge === undefined) return { ...chosen, judged: null };
  const ask = modelJudge<string>({ ...judge, prices });
  let [micros, failed] = [0, 0];
  const doubtful: NearPair[] = [];
  for (const pair of chosen.doubtful) {
    const { asked, stored, answer = "" } = pair;
    try {
      const told = await ask({ asked, stored, answer }, { signal: AbortSignal.timeout(JUDGE_MS) });
      const { verdict, micros: cost = 0 } = typeof told === "string" ? { verdict: told } : told;
      micros += cost;
      doubtful.push({ ...pair, verdict });
    } catch (error) {
      // The log was played to its end: a judge that fails costs its verdict, and not the report.
      if (!MarrowError.is(error) && !(error instanceof Error && error.name === "TimeoutError")) throw error;
      failed += 1;
      doubtful.push(pair);
    }
  }
  return { ...chosen, doubtful, judged: { model: judge.id, asked: doubtful.length, failed, cost: micros / 1_000_000 } };
}

/** The numbers of lines that are named: the first ones. */
function withNumber(numbers: readonly number[], number: number): readonly number[] {
  return numbers.length < NUMBERS_MAX ? [...numbers, number] : numbers;
}

function toLogReport(known: Known): ReplayReport["log"] {
  const { lines, requests, formats, broken, brokenLines, tooLong, other, firstMs, nowMs } = known;
  return {
    lines,
    requests,
    formats,
    from: firstMs === undefined ? null : new Date(firstMs).toISOString(),
    to: firstMs === undefined ? null : new Date(nowMs).toISOString(),
    broken,
    broken_lines: brokenLines,
    too_long: tooLong,
    other,
    refused: known.refused,
    without_answer: known.withoutAnswer,
    without_time: known.withoutTime,
  };
}

/** Names a log and its settings. A log that grew is another one. */
function digestOf({ log, presets, ttlsMs, embedder, minScore, sharing, name }: ReplayOptions, bytes: number): string {
  const all = [log, bytes, presets, ttlsMs, embedder?.fingerprint ?? "none", minScore ?? 0, sharing, name];
  return hash("sha256", JSON.stringify(all)).slice(0, 32);
}
