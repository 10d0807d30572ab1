/** Responses of `/v1/admin/…`, for the server and the dashboard. Types only. */

/** A page of a list. */
export interface ListAnswer<T> {
  readonly object: "list";
  readonly data: readonly T[];
  /** Number of stored rows of this page that cannot be read; absent without any. */
  readonly unreadable?: number | undefined;
  /** Cursor of the next page; absent on the last one. */
  readonly next?: string | undefined;
}

/** `GET /v1/admin/session`: the current sign-in. */
export interface SessionAnswer {
  readonly object: "session";
  readonly id: string;
  readonly name: string;
  readonly role: "admin" | "viewer";
  readonly scope: string;
  /** Token for `x-marrow-csrf` of every write. */
  readonly csrf: string;
  readonly ends_at: number;
  /** Whether prompts and answers may be shown. */
  readonly content: "hidden" | "visible";
  readonly version: string;
}

/** The same without a sign-in. */
export interface SignedOutAnswer {
  readonly object: "session";
  readonly role: null;
}

/** Counts of one gateway process in one minute. */
export interface MinuteAnswer {
  /** Start of the minute, ms since 1970. */
  readonly at_ms: number;
  readonly requests: number;
  readonly errors: number;
  readonly refused: number;
  /** Answers by where they came from: `exact`, `miss`, … */
  readonly cache: Readonly<Record<string, number>>;
  /** Median duration of requests to models, in ms; absent without any. */
  readonly p50_ms?: number | undefined;
  readonly p95_ms?: number | undefined;
}

/** Statistics of a queue for operators. */
export interface QueueAnswer {
  readonly name: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly dead_kept: number;
  readonly tenants_waiting: number;
  readonly tenants_paused: number;
  readonly endpoints_waiting: number;
  readonly paused: boolean;
}

/** Health of an upstream in a route. */
export interface UpstreamAnswer {
  readonly upstream: string;
  readonly model: string;
  readonly standing: "well" | "cooling" | "due";
  readonly remaining_ms: number;
  readonly in_flight: number;
}

/** `GET /v1/admin/overview`: state of this gateway process and its Redis. */
export interface OverviewAnswer {
  readonly object: "overview";
  readonly now_ms: number;
  readonly started_ms: number;
  readonly version: string;
  /** The last hour of this process, oldest minute first; the last one is incomplete. */
  readonly minutes: readonly MinuteAnswer[];
  /** Totals since the start of this process. */
  readonly totals: Omit<MinuteAnswer, "at_ms">;
  readonly upstreams: readonly UpstreamAnswer[];
  readonly models: readonly string[];
  readonly redis:
    | {
        readonly state: "ready";
        readonly engine: string;
        readonly version?: string | undefined;
        readonly round_trip_ms: number;
        readonly memory_bytes?: number | undefined;
        readonly memory_bytes_max?: number | undefined;
        readonly evicted_keys?: number | undefined;
        readonly warnings: number;
      }
    | { readonly state: "away"; readonly code: string };
  readonly queues: readonly QueueAnswer[];
}

/** `POST /v1/admin/playground`: one chat with its complete answer. */
export interface PlaygroundAnswer {
  readonly object: "playground.answer";
  readonly status: number;
  readonly elapsed_ms: number;
  /** Response headers of Marrow: cache, limits, session, upstream. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string | undefined;
  readonly body: unknown;
}

/** An entry of the audit log: one request to `/v1/admin` that was not a read, whether or not it succeeded. */
export interface AuditAnswer {
  readonly id: string;
  readonly at_ms: number;
  /** Id and name of the key, or `link`. */
  readonly by: string;
  readonly by_name: string;
  readonly role: string;
  readonly via: "dashboard" | "key";
  /** The route: method and pattern. */
  readonly act: string;
  /** Parameters of path and query. */
  readonly target: Readonly<Record<string, string>>;
  readonly status: number;
  readonly request_id: string;
}

/** Tokens, money and time. */
export interface SavedAnswer {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost: number;
  readonly seconds: number;
}

/** Savings of the cache under one name. */
export interface SavingsRowAnswer {
  readonly name: string;
  readonly answers: number;
  readonly hits: number;
  readonly hit_share: number;
  readonly by_tier: Readonly<Record<string, number>>;
  /** Hits with unknown savings. */
  readonly unknown: number;
  readonly saved: SavedAnswer;
  readonly spent: SavedAnswer;
  readonly mean_seconds: { readonly hit: number | null; readonly miss: number | null };
}

/** `GET /v1/admin/savings`. */
export interface SavingsAnswer extends ListAnswer<SavingsRowAnswer> {
  readonly by: "scope" | "key" | "user" | "model" | "tier";
  readonly scope: string | null;
  readonly from: string;
  readonly to: string;
  readonly total: SavingsRowAnswer;
  /** Estimated fraction of wrong answers, by the best available evidence; `null` without any. */
  readonly wrong: {
    readonly share: number;
    readonly low: number;
    readonly high: number;
    readonly looked_at: number;
    readonly wrong: number;
    readonly by: "audits" | "feedback" | "judge";
    /** Population of the fraction: `near_misses` are answers that were refused until the judge allowed them. */
    readonly of: "similar_hits" | "hits" | "near_misses";
  } | null;
  /** Reason why `wrong` is `null`. */
  readonly wrong_reason: "cache_off" | "no_evidence" | null;
  /** Evidence for the estimate, and verdicts of the judge. */
  readonly evidence: object | null;
}

/** Output of `marrow cache stats` for a scope. */
export interface CacheStatsAnswer {
  readonly object: "cache.stats";
  readonly scope: string;
  readonly cache: Omit<CacheAnswer, "object" | "report">;
  readonly savings: SavingsAnswer;
}

/** A queue, with a scope's jobs in it. */
export interface ScopedQueueAnswer extends QueueAnswer {
  readonly of_scope: { readonly waiting: number; readonly dead_kept: number; readonly paused: boolean };
}

/** A job. Includes payload and result if `dashboard.content` is `visible`. */
export interface JobAnswer {
  readonly id: string;
  readonly object: "job";
  readonly state: string;
  /** Kind of a job in the gateway's own queue: `response`, `batch-start`, `batch-line`, `batch-check`, `batch-end` or `judge`. */
  readonly work?: string | undefined;
  /** Id of its batch. */
  readonly batch?: string | undefined;
  readonly created_at_ms: number;
  readonly ended_at_ms?: number | undefined;
  readonly reason?: string | undefined;
  readonly attempts_left: number;
  readonly crashes_left: number;
  readonly failures: readonly { readonly at_ms: number; readonly reason: string; readonly message?: string }[];
  readonly hidden: boolean;
  readonly payload?: unknown;
  readonly result?: unknown;
  readonly progress?: unknown;
}

/** A schedule of a queue. */
export interface ScheduleAnswer {
  readonly name: string;
  readonly next_at_ms: number;
  readonly when?: string | undefined;
  readonly readable: boolean;
}

/** A user with requests today. */
export interface UserAnswer {
  readonly id: string;
  readonly object: "user";
  readonly requests: number;
  readonly tokens: number;
  readonly cost: number;
  readonly plan?: string | undefined;
  /** The user's nearest limit; absent if limits are off. */
  readonly nearest?:
    | { readonly rule: string; readonly used: number; readonly limit: number; readonly reset_ms: number }
    | undefined;
}

/** A session of a user. */
export interface SessionEntryAnswer {
  readonly id: string;
  readonly object: "session.entry";
  readonly turns: number;
  readonly created_at_ms: number;
  readonly changed_at_ms: number;
  readonly metadata?: unknown;
}

/** Turns of a session, the oldest of them first; `next` is for `before`. */
export interface TurnsAnswer {
  readonly object: "session.turns";
  readonly hidden: boolean;
  readonly version: number;
  readonly data: readonly {
    readonly sequence: number;
    readonly role: string;
    readonly calls: number;
    readonly incomplete: boolean;
    readonly characters: number;
    readonly turn?: unknown;
  }[];
  readonly next?: string | undefined;
}

/** An API key in a list. */
export interface KeyAnswer {
  readonly id: string;
  readonly object: "key";
  readonly scope: string;
  readonly user: string;
  readonly name: string;
  readonly plan: string | null;
  readonly role: string | null;
  readonly acts_for: "own" | "any";
  /** Expiry, in milliseconds since 1970; `null`: never. */
  readonly ends_at_ms: number | null;
  readonly ended: boolean;
  /** Reason why its record cannot be read; then only its id is known. */
  readonly unreadable?: string | undefined;
}

/** State of one Redis. */
export type ServerAnswer =
  | {
      readonly name: string;
      readonly state: "ready";
      readonly facts: Readonly<Record<string, string>>;
      readonly warnings: readonly string[];
      /**
       * Memory that a server for this data needs, with headroom and one replica, and matching sizes of services; absent if this user may
       * not read its memory.
       */
      readonly size?:
        | {
            readonly used_bytes: number;
            readonly server_bytes: number;
            readonly total_bytes: number;
            readonly fits: readonly string[];
          }
        | undefined;
      /** Slowest commands of the slow log by name; absent if this user may not read it. */
      readonly slow?: readonly { readonly command: string; readonly ms: number; readonly at_ms: number }[] | undefined;
    }
  | { readonly name: string; readonly state: "away"; readonly code: string };

/** `GET /v1/admin/health`. */
export interface HealthAnswer {
  readonly object: "health";
  readonly servers: readonly ServerAnswer[];
  /** The current configuration, with secrets masked. */
  readonly config: unknown;
}

/** An agent of the bus. */
export interface AgentAnswer {
  readonly name: string;
  readonly version?: string | undefined;
  readonly state: string;
  readonly since_ms: number;
  readonly load: number;
  readonly instances: number;
  readonly skills: readonly string[];
}

/** A dead letter of a group. */
export interface DeadLetterAnswer {
  readonly id: string;
  readonly key?: string | undefined;
  readonly reason: string;
  readonly hidden: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

/** `GET /v1/admin/cache`: configuration and audit results of a scope's cache. */
export interface CacheAnswer {
  readonly object: "cache";
  readonly enabled: boolean;
  readonly semantic: boolean;
  readonly preset: string;
  readonly ttl_ms: number;
  readonly per: string;
  readonly personal: string;
  readonly report?: {
    readonly withheld: number;
    readonly audited: number;
    readonly wrong: number;
    readonly liked: number;
    readonly disliked: number;
    /** Audit results for each threshold, from the highest to the lowest. */
    readonly curve: readonly {
      readonly threshold: number;
      readonly audited: number;
      readonly precision: number;
      readonly low: number;
      readonly high: number;
    }[];
    readonly judge: Readonly<Record<string, number>>;
  };
}

/** `POST /v1/admin/cache/explain`: the cache's decision about a prompt. */
export type ExplainAnswer =
  | {
      readonly object: "cache.explanation";
      readonly personal: boolean;
      readonly time_bound: boolean;
      readonly looked_up: false;
      readonly why: "off" | "unlike";
    }
  | {
      readonly object: "cache.explanation";
      /** Whether its answer may depend on the user. */
      readonly personal: boolean;
      /** Whether its answer soon changes, and so has a shorter TTL. */
      readonly time_bound: boolean;
      readonly looked_up: true;
      readonly follow_up: boolean;
      readonly floor?: number | undefined;
      readonly threshold?: number | undefined;
      readonly hit: {
        readonly match: string;
        readonly id: string;
        readonly similarity: number;
        readonly score: number;
        /** The asked wording of an `alias` or `judged` hit. */
        readonly wording?: string | undefined;
        readonly age_ms: number;
        /** Only if `dashboard.content` is `visible`. */
        readonly prompt?: string;
      } | null;
      readonly nearest?: { readonly similarity: number; readonly veto: string } | undefined;
      readonly candidates: readonly {
        readonly id: string;
        readonly similarity: number;
        readonly score: number;
        readonly veto?: string | undefined;
      }[];
    };
