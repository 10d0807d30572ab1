import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkText } from "../internal/check.ts";
import { isInPieces } from "../internal/chat-pieces.ts";
import { mapInSlices } from "../internal/time-slice.ts";
import { allOf, decodeRecord, encodeRecord, encodeRecordBody, runScript, type ScopedRedis } from "../redis/index.ts";
import { toContext } from "./context.ts";
import { IDEMPOTENCY_KEYS_MAX, WINDOW_MAX, type Session, type SessionState, type WindowOptions } from "./handle.ts";
import { userKeys } from "./keys.ts";
import { toJson, type Json } from "./json.ts";
import { mergePatch } from "./merge-patch.ts";
import { createOpenings } from "./opening.ts";
import type { ResolvedMemoryOptions } from "./options.ts";
import {
  appendTurns,
  branchSession,
  changeState,
  clearSession,
  describeSession,
  keepProgress,
  readTurns,
  removeTurn,
  rewindSession,
} from "./scripts.gen.ts";
import { loadCountTokens } from "./tokens.ts";
import {
  checkTurns,
  toElements,
  toReading,
  unreadableTurn,
  type Kept,
  type Reading,
  type Summary,
  type Turn,
} from "./turn.ts";

/** Turns that a context is chosen from: the newest. */
const CONTEXT_TURNS = 1_000;
const STATE_BYTES_MAX = 1_048_576;
const TRIES = 16;
/** Which end of a range is read, as the script's argument; `whole`: the newest turns, without unanswered questions. */
const WHICH = { oldest: 0, newest: 1, whole: 2 } as const;

interface Parts {
  readonly redis: ScopedRedis;
  readonly options: ResolvedMemoryOptions;
  /** Recalls facts about a user that are near to a text. */
  readonly recall: ((user: string, about: string, signal?: AbortSignal) => Promise<readonly string[]>) | undefined;
  /** Called after every append. */
  readonly onAppend: ((user: string, id: string) => void) | undefined;
}

/** Opens one session; no round trip. */
export function createSession(parts: Parts, user: string, id: string): Session {
  const { redis, options, recall, onAppend } = parts;
  const { sessionTtlMs, sessionLifeMs, turnsMax, sessionBytesMax, sessionTokensMax, turnBytesMax, summarize } = options;
  const ofUser = userKeys(redis, options.name, user);
  const { encoded: session, changes, ...own } = ofUser.session(id);
  const { sessions, starts } = ofUser;
  const keys = { ...own, sessions };
  const channel = options.tellChanges ? changes : "";
  const ttl = { ttl_ms: sessionLifeMs === 0 ? sessionTtlMs : Math.min(sessionTtlMs, sessionLifeMs) };
  let summing: Promise<void> | undefined;

  function conflict(version: number, expectedVersion: number | undefined): MarrowError {
    return new MarrowError("conflict", `the session is at version ${version}, not ${expectedVersion}`, {
      details: { version, expectedVersion },
    });
  }

  async function read(
    after: number,
    before: number,
    count: number,
    which: keyof typeof WHICH,
    { timeoutMs, keepsPieces }: Omit<WindowOptions, "last"> = {},
  ) {
    const values = { after, before, count, newest: WHICH[which], ttl_ms: sessionTtlMs, life_ms: sessionLifeMs };
    const reply = await runScript(redis, readTurns, keys, values, { reply: "bytes", timeoutMs });
    return toReading(reply, keepsPieces === true ? isInPieces : undefined);
  }

  async function appendElements(
    records: readonly Buffer[],
    key: string,
    expected: number,
    born: number | undefined,
    timeoutMs: number | undefined,
  ): Promise<[number, number, string, string]> {
    const values = {
      session,
      id: key,
      expected,
      ttl_ms: sessionTtlMs,
      life_ms: sessionLifeMs,
      max_turns: turnsMax,
      max_bytes: sessionBytesMax,
      max_tokens: sessionTokensMax,
      max_ids: IDEMPOTENCY_KEYS_MAX,
      born: born ?? "",
      channel,
      records,
    };
    return (await runScript(redis, appendTurns, { ...keys, starts }, values, { timeoutMs })) as [
      number,
      number,
      string,
      string,
    ];
  }

  const append: Session["append"] = async (turns, { idempotencyKey, expectedVersion, createdAtMs, timeoutMs } = {}) => {
    const list = checkTurns(turns);
    const count = sessionTokensMax === 0 ? () => 0 : (options.countTokens ?? (await loadCountTokens()));
    const made = toElements(list, turnBytesMax, count);
    const records = made instanceof Promise ? await made : made;
    const key =
      idempotencyKey === undefined ? randomUUID() : checkText("idempotencyKey", idempotencyKey, 256, "invalid_input");
    const expected = toExpected(expectedVersion);
    const [status, version, epoch] = await appendElements(records, key, expected, createdAtMs, timeoutMs);
    if (status === -1) throw conflict(version, expectedVersion);
    if (status === 1) onAppend?.(user, id);
    return { version, repeated: status !== 1 && status !== -2, epoch, ended: status === -2 };
  };

  /** The newest turns, without questions that have no answer. */
  async function readWhole(last: number, how: Omit<WindowOptions, "last"> = {}): Promise<Reading> {
    const found = await read(0, 0, last, "whole", how);
    const lost = found.turns.find(({ unreadable }) => unreadable !== undefined);
    if (lost !== undefined) throw unreadableTurn(lost);
    return { ...found, turns: found.turns.filter(({ incomplete }) => incomplete !== true).slice(-last) };
  }

  /** Summarizes the turns that a context left out, one summary at a time. After a failure the next context tries again. */
  function sumUp({ turns, summary, epoch, createdAtMs = 0 }: Reading, to: number): void {
    const older = turns
      .filter(({ sequence }) => sequence > (summary?.to ?? 0) && sequence <= to)
      .map(({ turn }) => turn);
    if (summarize === undefined || summing !== undefined || older.length === 0) return;
    summing = (async () => {
      const text = await summarize({ summary: summary?.text, turns: older });
      if (typeof text !== "string" || text.trim() === "") return;
      const kept: Summary = { text, to };
      await runScript(
        redis,
        keepProgress,
        { meta: own.meta },
        { epoch, what: "summary", to, record: encodeRecord(kept), born: createdAtMs },
      );
    })()
      .catch(() => {})
      .finally(() => (summing = undefined));
  }

  async function describe(metadata: Json, which: "new" | "old"): Promise<boolean> {
    const values = {
      session,
      metadata: encodeRecordBody(toJson("metadata", metadata, STATE_BYTES_MAX)),
      which,
      ...ttl,
    };
    return (await runScript(redis, describeSession, keys, values)) === 1;
  }

  async function end(): Promise<number> {
    return Number(await runScript(redis, clearSession, keys, { session }));
  }

  async function readState(): Promise<SessionState> {
    const reply = await redis.send(["HMGET", own.meta, "state_version", "state"], { reply: "bytes" });
    const [version, state] = reply as readonly (Buffer | null)[];
    return {
      stateVersion: Number(String(version ?? 0)),
      state: Buffer.isBuffer(state) ? (decodeRecord(state) as Json) : null,
    };
  }

  return {
    user,
    id,

    append,

    ...createOpenings({
      redis,
      options,
      session,
      keys,
      channel,
      append,
      appendElements: (elements, key, born, timeoutMs) => appendElements(elements, key, -1, born, timeoutMs),
      onAppend: () => onAppend?.(user, id),
    }),

    async window(windowOptions) {
      const { last, ...how } = checkObject("options", windowOptions);
      const count = checkInteger("last", last, { min: 1, max: WINDOW_MAX }, "invalid_input");
      const { version, turns, epoch, createdAtMs } = await readWhole(count, how);
      return { version, turns: turns.map(({ turn }) => turn), epoch, createdAtMs };
    },

    async read({ after = 0, before = 0, limit = 100, from = "oldest", roles } = {}) {
      const least = { min: 0 };
      const found = await read(
        checkInteger("after", after, least, "invalid_input"),
        checkInteger("before", before, least, "invalid_input"),
        checkInteger("limit", limit, { min: 1, max: WINDOW_MAX }, "invalid_input"),
        from === "newest" ? "newest" : "oldest",
      );
      if (roles === undefined) return found;
      return { ...found, turns: found.turns.filter(({ turn }: Kept) => roles.includes(turn.role)) };
    },

    async context({ maxTokens, system = [], pinned = [], about, signal }) {
      checkInteger("maxTokens", maxTokens, { min: 1 }, "invalid_input");
      const [reading, facts, count] = await Promise.all([
        readWhole(CONTEXT_TURNS),
        about === undefined || recall === undefined ? [] : recall(user, about, signal),
        options.countTokens ?? loadCountTokens(),
      ]);
      const { turns, summary } = reading;
      // Counted in slices: a thousand turns take longer than others should wait.
      const counts = new Map<Turn, number>();
      await mapInSlices(turns, ({ turn }) => counts.set(turn, count(turn)));
      const countOnce = (turn: Turn) => counts.get(turn) ?? count(turn);
      const context = toContext({ system, summary, facts, turns, pinned: new Set(pinned), maxTokens }, countOnce);
      if (context.leftTo > (summary?.to ?? 0)) sumUp(reading, context.leftTo);
      return context;
    },

    create: (metadata = {}) => describe(metadata, "new"),

    describe: (metadata) => describe(metadata, "old"),

    async info() {
      const fields = ["version", "created", "bytes", "metadata"];
      const replies = await redis.pipeline(
        [
          ["HMGET", own.meta, ...fields],
          ["LLEN", own.log],
          ["PTTL", own.meta],
        ],
        { reply: "bytes" },
      );
      const [known, kept, ttlMs] = allOf(replies) as [readonly (Buffer | null)[], number, number];
      const [version, created, bytes, metadata] = known;
      if (!Buffer.isBuffer(created)) return undefined;
      const newest = Number(String(version ?? 0));
      return {
        version: newest,
        oldest: newest - kept + 1,
        createdAtMs: Number(String(created)),
        bytes: Number(String(bytes ?? 0)),
        ttlMs,
        metadata: Buffer.isBuffer(metadata) ? (decodeRecord(metadata) as Json) : {},
      };
    },

    state: readState,

    async patchState(patch, { expectedVersion } = {}) {
      toJson("patch", patch, STATE_BYTES_MAX);
      const expected = toExpected(expectedVersion);
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const known = await readState();
        const state = mergePatch(known.state, patch);
        const record = encodeRecordBody(toJson("state", state, STATE_BYTES_MAX));
        const values = { session, read: known.stateVersion, expected, state: record, ...ttl, channel };
        const reply = await runScript(redis, changeState, keys, values);
        const [status, stateVersion, version] = reply as [number, number, number];
        if (status === 1) return { stateVersion, state };
        if (status === -1) throw conflict(version, expectedVersion);
      }
      throw new MarrowError("conflict", "concurrent changes to the state kept conflicting with this one", {
        details: { tries: TRIES },
      });
    },

    async branch({ id: toId, at }) {
      const to = ofUser.session(toId);
      const values = {
        session: to.encoded,
        at: at === undefined ? -1 : checkInteger("at", at, { min: 0 }, "invalid_input"),
        ...ttl,
      };
      const branchKeys = { log: own.log, meta: own.meta, to_log: to.log, to_meta: to.meta, sessions };
      const made = await runScript(redis, branchSession, branchKeys, values);
      if (made === -1)
        throw new MarrowError("conflict", "a session with this id already exists", { details: { path: "id" } });
      if (made === -2) throw new MarrowError("not_found", "there is no such session");
      if (made === -3) throw unreachable("at");
      return createSession(parts, user, toId);
    },

    async rewind(to, { expectedVersion } = {}) {
      const values = {
        to: checkInteger("to", to, { min: 0 }, "invalid_input"),
        expected: toExpected(expectedVersion),
        channel,
      };
      const [status, version] = (await runScript(redis, rewindSession, own, values)) as [number, number];
      if (status === -1) throw conflict(version, expectedVersion);
      if (status === 0) throw unreachable("to");
    },

    async remove(sequence) {
      const values = { sequence: checkInteger("sequence", sequence, { min: 1 }, "invalid_input"), channel };
      return (await runScript(redis, removeTurn, { log: own.log, meta: own.meta }, values)) === 1;
    },

    subscribe: (onChange) => redis.subscribe([changes], (_, version) => onChange(Number(version))),

    async clear() {
      return (await end()) >= 0;
    },
    end,
  };
}

function unreachable(path: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be a turn of the session, or the one before the oldest`, {
    details: { path },
  });
}

/** The version that must be current as scripts take it: -1 for any. */
function toExpected(version: number | undefined): number {
  return version === undefined ? -1 : checkInteger("expectedVersion", version, { min: 0 }, "invalid_input");
}
