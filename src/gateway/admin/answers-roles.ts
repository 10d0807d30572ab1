/** More of what `/v1/admin/…` answers: traces, vectors, facts, acts on several jobs. Types alone: nothing here runs. */
import type { ListAnswer } from "./answers.ts";

/** An act within a recorded request. */
export interface TraceSpanAnswer {
  /** `chat`, `admit`, `find`, `model`, `redis`, … */
  readonly name: string;
  /** The tier, the upstream or the script; never content. */
  readonly detail?: string | undefined;
  /** Time since the request arrived. */
  readonly at_ms: number;
  /** Absent if it had not ended when the trace was stored. */
  readonly took_ms?: number | undefined;
  /** An error's code. */
  readonly failed?: string | undefined;
}

/** A recorded request. */
export interface TraceAnswer {
  readonly id: string;
  readonly object: "trace";
  readonly at_ms: number;
  readonly took_ms: number;
  readonly method: string;
  /** The route's pattern. */
  readonly route: string;
  readonly status: number;
  readonly scope?: string | undefined;
  /** The key's id. */
  readonly key?: string | undefined;
  readonly request_id: string;
  readonly model?: string | undefined;
  readonly cache?: string | undefined;
  /** Similarity of a hit, or of the nearest stored question. */
  readonly similarity?: number | undefined;
  /** Reason why the nearest stored question was not served. */
  readonly veto?: string | undefined;
  readonly upstream?: string | undefined;
  readonly spans: readonly TraceSpanAnswer[];
}

/** `GET /v1/admin/traces`. */
export interface TracesAnswer extends ListAnswer<TraceAnswer> {
  /** `watched`: while the dashboard shows them. */
  readonly recording: "off" | "watched" | "always";
  readonly per_second: number;
}

/** `GET /v1/admin/vectors`: the vector engine and its indexes. */
export interface VectorsAnswer {
  readonly object: "vectors";
  readonly engine: string;
  /** `recorded`: chosen at an earlier start; `named`: by the configuration; `best`: the first that the server has. */
  readonly why: string;
  readonly indexes: number;
  readonly indexes_max: number;
  readonly embedder: { readonly name: string; readonly dimensions: number } | null;
}

/** A collection of the library (`createVectors`), as the latest writing process described it. */
export interface CollectionAnswer {
  readonly object: "collection";
  readonly name: string;
  readonly engine: string;
  readonly dimensions: number;
  readonly metric: string;
  readonly index: string;
  /** Fingerprint of the embedder. */
  readonly fingerprint: string;
  /** Attributes and their kinds. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Items of its namespace `default`; `null` if they cannot be counted. */
  readonly items: number | null;
  readonly bytes: number | null;
  /** Result of the recall self-check; `null` if it is off, or has no sample yet. */
  readonly recall: { readonly share: number; readonly samples: number; readonly effort: number } | null;
  readonly seen_at_ms: number;
}

/** A migration of a collection (`createMigration`). */
export interface MigrationAnswer {
  readonly object: "migration";
  readonly name: string;
  /** `copying`, `switched` or `finished`. */
  readonly phase: string;
  readonly copied: boolean;
  readonly verified: boolean;
  /** Recall at the last check. */
  readonly recall: number | null;
  readonly items: number | null;
  readonly seen_at_ms: number;
}

/** A stored answer of the cache. Includes question and answer if `dashboard.content` is `visible`. */
export interface CacheEntryAnswer {
  readonly id: string;
  readonly object: "cache.entry";
  readonly stored_at_ms: number;
  readonly ends_at_ms: number;
  readonly tags: readonly string[];
  readonly hidden: boolean;
  readonly prompt?: string | undefined;
  readonly answer?: unknown;
}

/** `GET /v1/admin/cache/entries/{id}`. */
export interface CacheEntryDetailAnswer extends CacheEntryAnswer {
  /** Other wordings that the judge found the same, and their number. */
  readonly aliases_count: number;
  readonly aliases?: readonly string[] | undefined;
  /** `null` in a cache without bounds, which does not count hits. */
  readonly hits: number | null;
}

/** A batch, without the content of its lines. */
export interface BatchAnswer {
  readonly id: string;
  readonly object: "batch";
  readonly status: string;
  readonly endpoint: string;
  readonly lines: number;
  /** Lines with an answer or an error. */
  readonly lines_done: number;
  readonly lines_failed: number;
  readonly created_at_ms: number;
  readonly owner: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An endpoint of webhooks; only the host of its URL. */
export interface EndpointAnswer {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly host: string;
  readonly events: readonly string[];
  readonly enabled: boolean;
  /** Events that were not sent because 100,000 deliveries were waiting. */
  readonly dropped: number;
  readonly created_at_ms: number;
}

/** `GET /v1/admin/users/{user}/sessions/{session}/context`: the turns that a session's next chat would send to the model. */
export interface ContextAnswer {
  readonly object: "session.context";
  readonly hidden: boolean;
  /** `sessions.turns` of the configuration. */
  readonly turns_max: number;
  readonly data: readonly {
    readonly role: string;
    readonly characters: number;
    readonly calls: number;
    /** As sent to the model. */
    readonly message?: unknown;
  }[];
}

/** A vector store. */
export interface StoreAnswer {
  readonly id: string;
  readonly object: "store";
  readonly name: string;
  readonly status: string;
  readonly bytes: number;
  /** Files by their state, and `total`. */
  readonly files: Readonly<Record<string, number>>;
  readonly created_at_ms: number;
  readonly active_at_ms: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly owner: string | null;
}

/** A file of a vector store. */
export interface StoreFileAnswer {
  readonly id: string;
  readonly filename: string;
  readonly status: string;
  /** Bytes of its chunks' texts. */
  readonly bytes: number;
  readonly chunks: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly error?: string | undefined;
}

/** A chunk that a search found. Includes its text if `dashboard.content` is `visible`. */
export interface FoundChunkAnswer {
  readonly file: string;
  readonly filename: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly score: number;
  readonly hidden: boolean;
  readonly text?: string;
}

/** `POST /v1/admin/queues/{queue}/jobs`: result of an act on several jobs. */
export interface JobsActedAnswer {
  readonly object: "queue";
  readonly name: string;
  readonly act: string;
  readonly done: readonly string[];
  /** Jobs that no longer exist, or whose state does not permit the act. */
  readonly left: readonly string[];
}

/** Delivery of a webhook about a job. */
export interface DeliveryAnswer {
  readonly id: string;
  readonly event: string;
  readonly endpoint: string;
  /** Host of the URL. */
  readonly host: string;
  readonly state: string;
  readonly attempts: number;
  /** Status of the last response; 0 without one. */
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly created_at_ms: number;
  readonly last_at_ms?: number | undefined;
}

/** A fact about a user. Includes text and key if `dashboard.content` is `visible`. */
export interface FactAnswer {
  readonly id: string;
  readonly object: "fact";
  readonly kind: string;
  readonly trust: string;
  readonly importance: number;
  readonly pinned: boolean;
  readonly seen: number;
  readonly created_at_ms: number;
  readonly seen_at_ms: number;
  readonly source: {
    readonly role: string;
    readonly session?: string | undefined;
    readonly sequence?: number | undefined;
  };
  /** The newer fact that replaced it. */
  readonly superseded_by?: string | undefined;
  readonly hidden: boolean;
  readonly text?: string;
  readonly key?: string | undefined;
}

/** `GET /v1/admin/users/{user}`: a user's state for each limit, and exceptions. */
export interface StandingAnswer {
  readonly id: string;
  readonly object: "user";
  readonly plan: string | null;
  readonly blocked: boolean;
  readonly exceptions: Readonly<Record<string, unknown>>;
  readonly limits: readonly {
    readonly id: string;
    readonly used: number;
    readonly limit: number;
    readonly resetMs: number;
  }[];
}

/** A call tree of several messages. */
export interface CallTreeAnswer {
  readonly id: string;
  readonly object: "call_tree";
  readonly at_ms: number;
}

/** A message of a call tree: sender, recipient, parent and state, without its body. */
export interface TreeMessageAnswer {
  readonly id: string;
  readonly parent?: string | undefined;
  readonly from?: string | undefined;
  readonly to: string;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly hops: number;
  readonly deliveries: number;
  readonly sent_at_ms: number;
  readonly ended_at_ms?: number | undefined;
  /** Its share of the tree's budget. */
  readonly tokens: number;
  /** In millionths of the currency. */
  readonly cost: number;
}

/** A group that reads a durable topic. */
export interface TopicGroupAnswer {
  readonly group: string;
  /** Time when a reader last read for it, or its position was set. */
  readonly seen_at_ms: number;
  /** Unhandled messages, an upper bound: after its position was set back, all messages count until the group has read them. */
  readonly lag: number;
  /** Readers that are at work. */
  readonly readers: number;
  readonly dead_letters: number;
}

/** A durable topic. `GET /v1/admin/topics` lists them by name with 20 groups each; `GET /v1/admin/topics/{topic}` returns 200 groups. */
export interface TopicAnswer {
  readonly object: "topic";
  readonly name: string;
  readonly partitions: number;
  /** Messages that are in it. */
  readonly size: number;
  /** Most messages; `null` without any publish. */
  readonly messages_max: number | null;
  /** Redis memory of messages and dead letters, estimated from samples; `null` if the server does not report it. */
  readonly bytes: number | null;
  /** Number of all groups, including those that `groups` leaves out. */
  readonly groups_count: number;
  /** Dead letters of all groups. */
  readonly dead_letters: number;
  readonly groups: readonly TopicGroupAnswer[];
}
