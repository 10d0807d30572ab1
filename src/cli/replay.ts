import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PRESETS, type Preset } from "../cache/index.ts";
import { MarrowError } from "../errors.ts";
import { openReplayParts, resolveConfig, type GatewayConfigInput, type ReplayParts } from "../gateway/operator.ts";
import { connect, type Redis } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import {
  checkLog,
  openLog,
  replay,
  toHtml,
  type Progress,
  type ReplayOptions,
  type ReplayReport,
  type ReplayState,
} from "../replay/index.ts";
import type { Given } from "./command.ts";
import { fromDuration, toDuration } from "./duration.ts";
import { loadConfig } from "./load-config.ts";
import { print, toTable } from "./print.ts";
import { createProgressBar } from "./progress-bar.ts";
import { usageError } from "./read-command.ts";
import { readSurroundings } from "./surroundings.ts";

/** Most TTLs that one run compares. */
const TTLS_MAX = 4;
const TTL_MS_MAX = 366 * 86_400_000;
const HOW_TO_REPLAY = [
  "a replay runs a server of its own, Redis 7.0 or newer or Valkey 8 or newer, and there is none on PATH. Any one of these is enough:",
  "  --redis redis://host:6379   an existing server; data stored there during the run is deleted at the end",
  "  brew install redis          macOS; script/bootstrap in a clone (Debian and Ubuntu)",
].join("\n");
/** Interval at which a run saves its state, in milliseconds. */
const NOTE_EVERY_MS = 5_000;
/** Output files contain questions of the log, so only their owner may read them. */
const [FILE_MODE, DIRECTORY_MODE] = [0o600, 0o700];
/** A run that was stopped, by Ctrl-C or SIGTERM. */
const EXIT_STOPPED = 130;
/** Paths of unix sockets are short. */
const PATH_BYTES_MAX = 90;

/**
 * `marrow replay --log FILE`: plays a log of requests through the cache and writes a report, as HTML and JSON. The entries are in a Redis of
 * its own that it runs in `--out`, or in a scope of the one that `--redis` names. A run that was stopped goes on where it was.
 */
export async function runReplay(given: Given): Promise<number> {
  const [log, out] = [resolve(given.text("log") ?? ""), resolve(given.text("out") ?? "")];
  const presets = toPresets(given.text("presets") ?? "");
  const ttlsMs = toTtls(given.text("ttls") ?? "");
  await checkLog(log);
  const config = await loadConfig();
  await mkdir(out, { recursive: true, mode: DIRECTORY_MODE });
  const file = (name: string) => join(out, name);
  const unpacked = file(`log-${hash("sha256", log).slice(0, 8)}.jsonl`);
  if (given.has("anew")) await Promise.all([rm(file("state.json"), { force: true }), rm(file("redis"), RECURSIVELY)]);
  const state = await readState(file("state.json"));
  const { path, looks } = await openLog(log, unpacked);
  const opened = await openPlace(given.text("redis"), file("redis"), config);
  const stop = new AbortController();
  const halt = () => stop.abort();
  process.once("SIGINT", halt).once("SIGTERM", halt);
  const bar = createProgressBar(process.stderr);
  let parts: ReplayParts | undefined;
  let isOver = false;
  try {
    parts = openReplayParts(resolveConfig(config), opened.redis, given.text("judge"));
    const options: ReplayOptions = {
      ...parts,
      log: path,
      redis: opened.redis,
      name: out,
      presets,
      ttlsMs,
      state,
      onProgress: notes(file("state.json"), (progress) => bar.show(progress)),
      signal: stop.signal,
    };
    const replayed = await replay(options);
    bar.end();
    if (replayed.kind === "stopped") {
      await write(file("state.json"), JSON.stringify(replayed.state));
      console.error("stopped; run the same command to continue, or add --anew to start over");
      return EXIT_STOPPED;
    }
    const { report } = replayed;
    isOver = true;
    await rm(file("state.json"), { force: true });
    if (report.log.requests === 0) throw nothingRead(report, looks);
    await write(file("report.json"), `${JSON.stringify(report, null, 2)}\n`);
    await write(file("report.html"), toHtml(report));
    print(given, report, () => toLines(report, out));
    return 0;
  } finally {
    bar.end();
    process.off("SIGINT", halt).off("SIGTERM", halt);
    await parts?.close();
    await opened.close();
    if (isOver) await Promise.all([rm(file("redis"), RECURSIVELY), rm(unpacked, { force: true })]);
  }
}

const RECURSIVELY = { recursive: true, force: true } as const;

/** Builds the error for a log without any chat request, with counts of what it contains. */
function nothingRead({ log }: ReplayReport, looks: string): MarrowError {
  const { lines, broken, other, too_long: tooLong } = log;
  const counts = [
    [broken, "are no JSON objects"],
    [other, "contain no chat request in a known format"],
    [tooLong, "are too long"],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return new MarrowError(
    "invalid_option",
    `--log has no readable request: it is ${looks}; of ${lines} lines ${told.join(", ") || "all are empty"}. docs/commands.md lists the formats`,
    { details: { path: "log" } },
  );
}

/** Writes down where a run is, now and then: a file that is whole, or the one before. */
function notes(file: string, show: (progress: Progress) => void): (progress: Progress) => Promise<void> {
  let lastMs = performance.now();
  return async (progress) => {
    show(progress);
    if (performance.now() - lastMs < NOTE_EVERY_MS) return;
    lastMs = performance.now();
    await write(file, JSON.stringify(progress.state()));
    await progress.noted();
  };
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: FILE_MODE });
  await rename(`${file}.new`, file);
}

async function readState(file: string): Promise<ReplayState | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    return undefined;
  }
  try {
    const state = JSON.parse(text) as ReplayState;
    if (state.version === 2) return state;
  } catch {
    // What follows says what to do.
  }
  throw new MarrowError("invalid_option", `${file} is not the state of a replay: start over with --anew`, {
    details: { path: "out" },
  });
}

interface Place {
  readonly redis: Redis;
  close(): Promise<void>;
}

/** The Redis that was named, or one that runs for this replay alone. */
async function openPlace(url: string | undefined, directory: string, config: GatewayConfigInput): Promise<Place> {
  const { app } = resolveConfig(config);
  if (url !== undefined) {
    const redis = await connect(url, { ...readSurroundings().redis, app });
    return { redis, close: () => redis.close() };
  }
  if (Buffer.byteLength(directory) > PATH_BYTES_MAX)
    throw usageError(
      `--out must be a shorter path, of ${PATH_BYTES_MAX - 6} bytes at most: a socket lies in it`,
      "out",
    );
  const { path, cacheDirectory } = readSurroundings();
  const binary = await findServer({ path, cacheDirectory });
  if (binary === undefined) throw new MarrowError("unavailable", HOW_TO_REPLAY);
  const server = await startServer({ binary: binary.path, directory });
  const redis = await connect(server.url, { app });
  return {
    redis,
    async close() {
      await redis.close();
      await server.stop();
    },
  };
}

function toPresets(text: string): readonly Preset[] {
  const named = text.split(",").map((one) => one.trim());
  const known = PRESETS.filter((preset) => named.includes(preset));
  if (known.length > 0 && named.every((one) => (PRESETS as readonly string[]).includes(one))) return known;
  throw usageError(
    `--presets must be some of ${PRESETS.join(",")}, got ${JSON.stringify(text.slice(0, 60))}`,
    "presets",
  );
}

function toTtls(text: string): readonly number[] {
  const ttls = [...new Set(text.split(",").map((one) => toDuration("ttls", one, { min: 1_000, max: TTL_MS_MAX })))];
  if (ttls.length <= TTLS_MAX) return ttls.toSorted((one, other) => one - other);
  throw usageError(`--ttls may have ${TTLS_MAX} times at most, got ${ttls.length}`, "ttls");
}

function toLines({ log, settings }: ReplayReport, out: string): readonly string[] {
  const rows = settings.map(({ preset, ttl_seconds: ttl, hits, hit_share: share, exact, similar, saved, memory }) => [
    preset,
    fromDuration(ttl * 1_000),
    `${hits} (${(share * 100).toFixed(1)} %)`,
    exact,
    similar,
    saved.cost.toFixed(4),
    `${(memory.server_bytes / 1_048_576).toFixed(1)} MiB`,
  ]);
  const skipped = log.broken + log.too_long + log.other;
  return [
    `${log.requests} requests in ${log.lines} lines${skipped === 0 ? "" : `, ${skipped} lines passed over (${log.broken} broken)`}`,
    ...toTable(["PRESET", "LIFE", "HITS", "EXACT", "SIMILAR", "SAVED", "SERVER"], rows),
    `Reports, with questions of the log in them: ${join(out, "report.html")} and report.json`,
  ];
}
