/** Expected data of one role. Counts are at one time; bytes are of the application's text. */
export interface Load {
  /** Answers in the cache. `dimensions` 0: exact lookups only. `compact`, `bounded`: the cache's profile and its bounds. */
  readonly entries?: {
    readonly count: number;
    readonly questionBytes: number;
    readonly answerBytes: number;
    readonly dimensions: number;
    readonly compact: boolean;
    readonly bounded: boolean;
  };
  readonly sessions?: { readonly count: number; readonly turns: number; readonly turnBytes: number };
  /** Long-term facts of all users. */
  readonly facts?: { readonly count: number; readonly factBytes: number; readonly dimensions: number };
  /** Jobs that wait or whose results are stored. */
  readonly jobs?: { readonly count: number; readonly payloadBytes: number };
  /** Users, keys or organisations with limits, and the `rules` of each. */
  readonly identities?: { readonly count: number; readonly rules: number };
  readonly vectors?: {
    readonly count: number;
    readonly dimensions: number;
    readonly payloadBytes: number;
    readonly quantisation: "q8" | "none" | "binary";
  };
  /** Messages stored in topics. */
  readonly messages?: { readonly count: number; readonly messageBytes: number };
}

export type SizedRole = keyof Load;

/** Assumptions for a server's memory. */
export interface SizeOptions {
  /** Compressed size of texts of at least 1 KiB, as a fraction: 0.1 (repetitive) to 1 (incompressible). @default 0.5 (English prose) */
  readonly compressedShare?: number;
  /** Resident memory per byte in use, 1 to 3. @default 1.1 */
  readonly fragmentation?: number;
  /** Copies of the data beside the master's. @default 1 */
  readonly replicas?: number;
  /** Fraction of a server's memory that stays free, for copy-on-write during saves, client buffers and peaks. 0 to 0.9. @default 0.25 */
  readonly headroom?: number;
}

/** Memory that a server needs for its data, in bytes. */
export interface ServerPlan {
  /** `used_memory` of a master with this load. */
  readonly usedBytes: number;
  /** Memory that one server needs: in use, fragmented, with headroom. */
  readonly serverBytes: number;
  /** The same for the master and all replicas. */
  readonly totalBytes: number;
}

/** Memory of a load, all in bytes. */
export interface SizePlan extends ServerPlan {
  readonly roles: readonly {
    readonly role: SizedRole;
    readonly count: number;
    readonly bytesEach: number;
    readonly bytes: number;
  }[];
  /** Common rule of thumb for cached answers, if there are any. */
  readonly ruleOfThumb?: { readonly bytesEach: number; readonly bytes: number };
}

/** The field's rule of thumb for a cached answer, in bytes: text, record and a vector of 1,536 numbers in 32 bits. */
const RULE_OF_THUMB_BYTES = 8_500;

/** Records of at least this many bytes of JSON are compressed (see docs/protocol/records.md). */
const COMPRESS_FROM_BYTES = 1_024;
/** Memory of an empty server: its own tables, and Marrow's scripts. */
const EMPTY_SERVER_BYTES = 3_000_000;

/*
 * Bytes beside the texts and numbers, measured by `used_memory` on Redis 8.0 with jemalloc: names of keys, entries of the server's tables,
 * what records say besides, and what rounding up to sizes of the allocator costs on average.
 */
const ENTRY_BYTES = 132;
const ENTRY_JSON_BYTES = 245;
const ENTRY_JSON_COMPRESSED_BYTES = 175;
const QUESTION_BYTES = 690;
const COMPACT_QUESTION_BYTES = 592;
const BOUND_BYTES = 340;
const SESSION_BYTES = 820;
const TURN_BYTES = 72;
/** Lists and streams fill their nodes to this part. */
const NODE_SLACK = 1.05;
const MESSAGE_SLACK = 1.05;
const JOB_BYTES = 450;
const IDENTITY_BYTES = 178;
const RULE_BYTES = 27;
const VECTOR_BYTES = { q8: 960, none: 815, binary: 900 } as const;
const NUMBER_BYTES = { q8: 1, none: 4, binary: 1 / 8 } as const;
const VECTOR_RECORD_BYTES = 25;
const FACT_BYTES = 1_520;

/** Plans memory for a load. Pure. On Redis 8 within 10 % of the measured memory of each role (a test loads each). */
export function planSize(
  load: Load,
  { compressedShare = 0.5, fragmentation = 1.1, replicas = 1, headroom = 0.25 }: SizeOptions = {},
): SizePlan {
  const stored = (bytes: number) => (bytes < COMPRESS_FROM_BYTES ? bytes : bytes * compressedShare);
  const { entries, sessions, facts, jobs, identities, vectors, messages } = load;
  const each: Partial<Record<SizedRole, number>> = {
    ...(entries !== undefined && { entries: bytesOfEntry(entries, compressedShare) }),
    ...(sessions !== undefined && {
      sessions: SESSION_BYTES + sessions.turns * (stored(sessions.turnBytes) * NODE_SLACK + TURN_BYTES),
    }),
    ...(facts !== undefined && { facts: FACT_BYTES + facts.dimensions + stored(facts.factBytes) }),
    ...(jobs !== undefined && { jobs: JOB_BYTES + stored(jobs.payloadBytes) }),
    ...(identities !== undefined && { identities: IDENTITY_BYTES + RULE_BYTES * identities.rules }),
    ...(vectors !== undefined && {
      vectors:
        VECTOR_BYTES[vectors.quantisation] +
        vectors.dimensions * NUMBER_BYTES[vectors.quantisation] +
        VECTOR_RECORD_BYTES +
        stored(vectors.payloadBytes),
    }),
    ...(messages !== undefined && { messages: 12 + stored(messages.messageBytes) * MESSAGE_SLACK }),
  };
  const roles = (Object.keys(each) as SizedRole[]).map((role) => {
    const count = load[role]?.count ?? 0;
    const bytesEach = Math.ceil(each[role] ?? 0);
    return { role, count, bytesEach, bytes: count * bytesEach };
  });
  const loadBytes = roles.reduce((sum, { bytes }) => sum + bytes, 0);
  const usedBytes = EMPTY_SERVER_BYTES + loadBytes;
  const serverBytes = toServerBytes(loadBytes, { fragmentation, headroom });
  const rule = { bytesEach: RULE_OF_THUMB_BYTES, bytes: RULE_OF_THUMB_BYTES * (entries?.count ?? 0) };
  return {
    roles,
    usedBytes,
    serverBytes,
    totalBytes: serverBytes * (1 + replicas),
    ...(entries !== undefined && { ruleOfThumb: rule }),
  };
}

/** Plans memory for a server's current usage. Pure. */
export function planUsed(
  usedBytes: number,
  { fragmentation = 1.1, replicas = 1, headroom = 0.25 }: Omit<SizeOptions, "compressedShare"> = {},
): ServerPlan {
  const serverBytes = toServerBytes(Math.max(0, usedBytes - EMPTY_SERVER_BYTES), { fragmentation, headroom });
  return { usedBytes, serverBytes, totalBytes: serverBytes * (1 + replicas) };
}

/** Computes the memory of one server for a load of this many bytes, with an empty server's own use, fragmentation and headroom. Pure. */
export function toServerBytes(
  loadBytes: number,
  { fragmentation = 1.1, headroom = 0.25 }: Pick<SizeOptions, "fragmentation" | "headroom"> = {},
): number {
  return Math.ceil(((EMPTY_SERVER_BYTES + loadBytes) * fragmentation) / (1 - headroom));
}

function bytesOfEntry(
  { questionBytes, answerBytes, dimensions, compact, bounded }: NonNullable<Load["entries"]>,
  compressedShare: number,
): number {
  const text = questionBytes + answerBytes;
  const record =
    text + ENTRY_JSON_BYTES < COMPRESS_FROM_BYTES
      ? text + ENTRY_JSON_BYTES
      : text * compressedShare + ENTRY_JSON_COMPRESSED_BYTES;
  const question =
    dimensions === 0 ? 0 : compact ? COMPACT_QUESTION_BYTES + dimensions / 8 : QUESTION_BYTES + dimensions;
  return ENTRY_BYTES + record + question + (bounded ? BOUND_BYTES : 0);
}
