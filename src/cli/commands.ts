import type { Act, Command, Flag } from "./command.ts";
import { SIZE_NUMBERS } from "./size-flags.ts";

const JSON_FLAG: Flags = { json: {} };
const SCOPE: Flags = { scope: { takes: "NAME", default: "default" } };
const OF_USER: Flags = { user: { takes: "NAME", isNeeded: true }, ...SCOPE };
const PAIRS: Flags = {
  pairs: { takes: "FILE", isNeeded: true },
  weights: { takes: "FILE" },
  out: { takes: "FILE" },
  target: { takes: "SHARE", default: "0.97" },
  minilm: { takes: "DIRECTORY" },
  score: { takes: "NAME", values: ["verifier", "cosine"], default: "verifier" },
  preset: { takes: "NAME", values: ["strict", "balanced", "aggressive"], default: "strict" },
  ...JSON_FLAG,
};
const OF_QUEUE: Flags = { scope: { takes: "NAME" }, partitions: { takes: "N", default: "1" }, ...JSON_FLAG };
const ALL_OR_SCOPE: Flags = {
  scope: { takes: "NAME" },
  all: {},
  partitions: { takes: "N", default: "1" },
  ...JSON_FLAG,
};

/** All commands of `marrow` with their acts and flags. Help, parsing and completion use this table. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    "serve",
    single("run the gateway (and, without MARROW_REDIS_URL, a private Redis for development)", [], {
      "sign-in-link": {},
    }),
  ],
  [
    "dev",
    single("run the gateway on a machine without a Redis: finds or unpacks one, and serves a demo model", [], {}),
  ],
  ["worker", single("run the gateway's background work without a port: responses, batches, webhooks", [], {})],
  ["config", single("print the configuration that is in force, defaults included", [], JSON_FLAG)],
  [
    "cache",
    several("show what the cache saved, explain one prompt, and measure it on labelled pairs", {
      stats: act("show the settings of a scope's cache, what it saved, and how often it is wrong", [], {
        ...SCOPE,
        days: { takes: "N", default: "7" },
        ...JSON_FLAG,
      }),
      explain: act("explain whether the cache would answer a prompt", ["PROMPT"], {
        model: { takes: "ID", isNeeded: true },
        system: { takes: "TEXT" },
        user: { takes: "NAME", default: "default" },
        ...SCOPE,
        content: {},
        ...JSON_FLAG,
      }),
      evaluate: act("measure hits and errors of each preset on labelled pairs", [], PAIRS),
      tune: act("choose a score that reaches a precision on labelled pairs", [], PAIRS),
      fit: act("fit the verifier to labelled pairs", [], PAIRS),
    }),
  ],
  [
    "key",
    several("make, list, rotate and end API keys", {
      create: act("make a key and print it once", [], {
        ...SCOPE,
        user: { takes: "NAME" },
        name: { takes: "TEXT", default: "made by marrow key" },
        "acts-for": { takes: "WHOM", values: ["own", "any"] },
        plan: { takes: "NAME" },
        role: { takes: "ROLE", values: ["admin", "viewer"] },
        ends: { takes: "TIME" },
        ...JSON_FLAG,
      }),
      list: act("list keys; the keys themselves are never shown", [], {
        scope: { takes: "NAME" },
        after: { takes: "ID" },
        limit: { takes: "N", default: "100" },
        ...JSON_FLAG,
      }),
      rotate: act("make a new key with the same rights, and end the old one after the overlap", ["KEY|ID"], {
        overlap: { takes: "TIME", default: "24h" },
        ...JSON_FLAG,
      }),
      revoke: act("end a key now", ["KEY|ID"], JSON_FLAG),
    }),
  ],
  [
    "queue",
    several("show queues, pause them, and retry dead jobs", {
      stats: act("show the state of the queues gateway and tasks, or of the one that you name", ["[QUEUE]"], OF_QUEUE),
      pause: act("stop handing out jobs of a scope, or all jobs", ["QUEUE"], ALL_OR_SCOPE),
      resume: act("end a pause", ["QUEUE"], ALL_OR_SCOPE),
      redrive: act("retry dead jobs of a scope with new attempts: the oldest, or those named", ["QUEUE"], {
        scope: { takes: "NAME", isNeeded: true },
        ids: { takes: "ID,ID" },
        limit: { takes: "N", default: "100" },
        partitions: { takes: "N", default: "1" },
        ...JSON_FLAG,
      }),
    }),
  ],
  [
    "sessions",
    several("list a user's sessions and show their turns", {
      list: act("list a user's sessions, the most recently changed first", [], {
        ...OF_USER,
        after: { takes: "CURSOR" },
        limit: { takes: "N", default: "25" },
        ...JSON_FLAG,
      }),
      show: act("show the turns of a session; their text only with --content", ["SESSION"], {
        ...OF_USER,
        before: { takes: "N" },
        limit: { takes: "N", default: "25" },
        content: {},
        ...JSON_FLAG,
      }),
    }),
  ],
  [
    "topics",
    several("show a scope's durable topics, and how far their groups have read", {
      list: act("list topics by name: messages, bytes, groups, lag and dead letters", [], {
        ...SCOPE,
        after: { takes: "CURSOR" },
        limit: { takes: "N", default: "25" },
        ...JSON_FLAG,
      }),
      show: act("show a topic and its groups", ["TOPIC"], { ...SCOPE, ...JSON_FLAG }),
    }),
  ],
  [
    "replay",
    single("show what the cache would have answered and saved for a log of requests; calls no model", [], {
      log: { takes: "FILE", isNeeded: true },
      out: { takes: "DIRECTORY", default: "marrow-replay" },
      presets: { takes: "NAME,NAME", default: "strict,balanced,aggressive" },
      ttls: { takes: "TIME,TIME", default: "1h,1d,7d" },
      redis: { takes: "URL" },
      judge: { takes: "MODEL" },
      anew: {},
      ...JSON_FLAG,
    }),
  ],
  ["doctor", single("check Redis, the configuration and the upstreams, and list problems to fix", [], JSON_FLAG)],
  [
    "health",
    single("exit with 0 if a gateway runs, or is ready, or if a worker is alive; for health checks", [], {
      ready: {},
      worker: {},
      url: { takes: "URL" },
      ...JSON_FLAG,
    }),
  ],
  [
    "size",
    single("compute how much memory Redis needs for a load, or measure how much each role uses", [], {
      ...Object.fromEntries(Object.keys(SIZE_NUMBERS).map((name) => [name, { takes: "N" }])),
      compact: {},
      bounded: {},
      quantisation: { takes: "KIND", values: ["q8", "none", "binary"], default: "q8" },
      "from-redis": {},
      ...JSON_FLAG,
    }),
  ],
  [
    "mcp",
    single("serve one user's memory to agents (MCP) over standard input and output", [], {
      ...SCOPE,
      user: { takes: "NAME", default: "default" },
    }),
  ],
  [
    "prices",
    several("the table of prices", {
      update: act("make the table of prices from LiteLLM's public file", [], {
        from: { takes: "FILE", isNeeded: true },
        to: { takes: "FILE" },
        ...JSON_FLAG,
      }),
    }),
  ],
  [
    "completion",
    several("print a script that completes commands in a shell", {
      bash: act("for bash: source <(marrow completion bash)", [], {}),
      zsh: act("for zsh: source <(marrow completion zsh)", [], {}),
      fish: act("for fish: marrow completion fish | source", [], {}),
    }),
  ],
]);

type Flags = Readonly<Record<string, Flag>>;

function act(says: string, takes: readonly string[], flags: Flags): Act {
  return { says, takes, flags: new Map(Object.entries(flags)) };
}

function single(says: string, takes: readonly string[], flags: Flags): Command {
  return { says, acts: new Map([["", act(says, takes, flags)]]) };
}

function several(says: string, acts: Readonly<Record<string, Act>>): Command {
  return { says, acts: new Map(Object.entries(acts)) };
}
