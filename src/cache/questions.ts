import { runScript, shortKeyPart, type Reply, type ScopedRedis } from "../redis/index.ts";
import {
  createNeighbours,
  decideEngine,
  type EngineChoice,
  type Neighbour,
  type Neighbours,
  type SearchInScript,
} from "../vectors/index.ts";
import type { Embedder } from "../embedders/index.ts";
import type { CacheKeys } from "./keys.ts";
import { loadLater } from "./prepare.ts";
import type { Fingerprint } from "./question.ts";
import { findSimilar, readEntries, searchSimilar } from "./scripts.gen.ts";

/** Search effort in the index: with the graph that store_entry builds, .994 of near neighbours are found. */
const SEARCH_EFFORT = 50;
/** Engines round scores; the caller decides exactly. */
const SLACK = 1e-6;
/** Scores of bits are off by some hundredths: more is looked at, and then compared exactly. */
const BITS_SLACK = 0.05;
const BITS_COUNT = 8;

/** Longest name of a collection of vectors. */
const COLLECTION_CHARS_MAX = 128;

/** A search among stored questions. */
export interface QuestionSearch {
  /** Little-endian float32. */
  readonly vector: Buffer;
  readonly count: number;
  /** Lowest similarity of entries to return. */
  readonly from: number;
  /** Whether vector sets store bits. Their scores are less exact, so more candidates are compared. */
  readonly inBits: boolean;
}

/**
 * Finds stored questions by their vectors. With vector sets the vectors are stored beside the entries, by the cache's scripts. Other
 * engines store them as neighbours in partitions, and the entries are read afterwards.
 */
export interface Questions {
  /** Returns true if questions are stored in vector sets. */
  inSets(): Promise<boolean>;
  /**
   * Finds the nearest questions, in the form of `find_similar`'s reply. One round trip; two with search commands, which scripts cannot
   * call.
   */
  find(question: Fingerprint, search: QuestionSearch): Promise<Reply>;
  /**
   * Adds a question where a script cannot. Returns the vector to pass to the storing script (empty if it must not store it), and the
   * addition, if there is one. Begin it after the storing script: a question that is found without an entry is taken for one whose entry
   * is gone.
   */
  add(question: Fingerprint, vector: Buffer | undefined, ttlMs: number): Promise<Addition>;
  /** Removes questions where a script cannot; each is `id|partition`. */
  remove(members: readonly string[]): Promise<void>;
}

/** An addition of a question. */
export interface Addition {
  readonly inScript: Buffer | "";
  readonly add: (() => Promise<void>) | undefined;
}

/** For a question without a vector. */
export const NOT_INDEXED: Addition = { inScript: "", add: undefined };

/** Entries of near questions, and the questions whose entries are gone. */
interface Read {
  readonly reply: Reply;
  readonly gone: string[];
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly name: string;
  /** Name of the embedder's index. */
  readonly index: string;
  readonly embedder: Embedder | undefined;
  readonly engine: EngineChoice;
  readonly timeoutMs: number;
}

/** Opens the index of one cache's questions. */
export function createQuestions(parts: Parts): Questions {
  const { redis, keys, index, embedder, timeoutMs } = parts;
  let opened: Neighbours | undefined;
  // What is found near must be proven: the first lookup should not wait for the word lists, nor the first answer for expressions.
  loadLater(embedder === undefined ? "guards" : "proofs");

  async function neighbours(): Promise<Neighbours | undefined> {
    const engine = parts.engine === "auto" ? await decideEngine(redis) : parts.engine;
    if (engine === "vectorset" || embedder === undefined) return undefined;
    const { dimensions, fingerprint } = embedder;
    return (opened ??= createNeighbours(redis, {
      name: shortKeyPart(`cache.${parts.name}`, COLLECTION_CHARS_MAX),
      dimensions,
      fingerprint,
      engine,
      timeoutMs,
    }));
  }

  // Each embedder has its own partitions, so vectors of two embedders never mix and their contracts do not conflict.
  const placeOf = (partition: string) => shortKeyPart(`${index}.${partition}`);

  async function searchAndRead(search: SearchInScript, count: number, from: number): Promise<Read | undefined> {
    const { contract, agreed, start, command } = search;
    const at = { contract, epoch: keys.epoch, bodies: keys.bodies, aliases: keys.aliases };
    const values = { agreed, start, count, floor: String(scoreOfCosine(from)), command };
    const told = (await runScript(redis, searchSimilar, at, values, {
      reply: "bytes",
      timeoutMs,
    })) as readonly Reply[] | null;
    if (told === null) return undefined;
    const reply: Reply[] = told.slice(0, 1);
    const gone: string[] = [];
    for (let row = 1; row + 3 < told.length; row += 4) {
      if (String(told[row + 3]) === "gone") gone.push(String(told[row]));
      else reply.push(...told.slice(row, row + 4));
    }
    return { reply, gone };
  }

  async function read(near: readonly Neighbour[], from: number): Promise<Read> {
    const wanted = near.filter(({ similarity }) => similarity >= from);
    const at = { epoch: keys.epoch, bodies: keys.bodies, aliases: keys.aliases };
    const ids = wanted.map(({ id }) => id);
    const told = await runScript(redis, readEntries, at, { ids }, { reply: "bytes", timeoutMs });
    const [epoch = null, ...bodies] = told as readonly Reply[];
    const [first] = near;
    const reply: Reply[] = [epoch];
    const gone: string[] = [];
    // Below the floor only the nearest is reported, with its similarity.
    if (wanted.length === 0 && first !== undefined)
      reply.push(first.id, scoreOf(first), Buffer.alloc(0), Buffer.alloc(0));
    for (const [place, one] of wanted.entries()) {
      const body = bodies[place * 2] as Buffer;
      if (body.length === 0) gone.push(one.id);
      else reply.push(one.id, scoreOf(one), body, bodies[place * 2 + 1] as Buffer);
    }
    return { reply, gone };
  }

  async function stillGone(ids: readonly string[]): Promise<readonly string[]> {
    const { gone } = await read(
      ids.map((id) => ({ id, similarity: 1 })),
      0,
    );
    return gone;
  }

  return {
    inSets: async () => (await neighbours()) === undefined,

    async find(question, { vector, count, from, inBits }) {
      const others = await neighbours();
      if (others === undefined) {
        const at = { epoch: keys.epoch, bodies: keys.bodies, aliases: keys.aliases };
        const floor = inBits ? scoreOfBits(from) - BITS_SLACK : scoreOfCosine(from) - SLACK;
        const wanted = inBits ? BITS_COUNT : count;
        const values = { vector, count: wanted, effort: SEARCH_EFFORT, floor: String(floor) };
        const sets = { vectors: keys.vectors(question, index), ...at };
        return runScript(redis, findSimilar, sets, values, { reply: "bytes", timeoutMs });
      }
      const place = placeOf(question.partition);
      const { reply, gone } = await others.nearest(place, toFloats(vector), count, {
        searchAndRead: (search) => searchAndRead(search, count, from - SLACK),
        read: (near) => read(near, from - SLACK),
      });
      // Ended or forgotten since: the index is tidied behind the caller's back, and another time if that fails.
      if (gone.length > 0) others.retire(place, gone, stillGone).catch(() => {});
      return reply;
    },

    async add(question, vector, ttlMs) {
      if (vector === undefined) return NOT_INDEXED;
      const others = await neighbours();
      if (others === undefined) return { inScript: vector, add: undefined };
      return {
        inScript: "",
        add: () => others.add(placeOf(question.partition), question.id, toFloats(vector), ttlMs),
      };
    },

    async remove(members) {
      if (members.length === 0) return;
      const others = await neighbours();
      if (others === undefined) return;
      const places = Map.groupBy(members, (member) => member.slice(member.indexOf("|") + 1));
      for (const [partition, of] of places)
        await others.remove(
          placeOf(partition),
          of.map((member) => member.slice(0, member.indexOf("|"))),
        );
    },
  };
}

/** Converts a cosine to a vector set's score, which `find_similar` returns. */
function scoreOfCosine(cosine: number): number {
  return (1 + cosine) / 2;
}

/** Converts a cosine to a vector set's score of two vectors as bits: approximately the fraction of equal signs. */
function scoreOfBits(cosine: number): number {
  return 1 - Math.acos(Math.min(1, cosine)) / Math.PI;
}

const scoreOf = ({ similarity }: Neighbour) => String(scoreOfCosine(similarity));

function toFloats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
