import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { sizeOf } from "../../internal/json-pieces.ts";
import { signalling } from "../../internal/signals.ts";
import type { Fact, Kept, Memory, Recalled } from "../../memory/index.ts";

/** The user that a server acts for. It has no access to others. */
export interface McpOptions {
  readonly memory: Memory;
  readonly user: string;
  readonly version: string;
  /** Called with each fact that was remembered and the size of its arguments in bytes, before the answer. */
  readonly onRemembered?: ((id: string, bytes: number) => Promise<void>) | undefined;
  /** Called before the answer with the ids that a call named, none of which is a fact any more, and those of them that were facts until then. */
  readonly onForgotten?: ((ids: readonly string[], forgotten: readonly string[]) => Promise<void>) | undefined;
}

const KINDS = ["semantic", "episodic", "preference", "procedure"] as const;

/**
 * Makes a server of the Model Context Protocol with tools for one user's memory: remember, recall, forget, list sessions, read a session.
 * Facts that an agent remembers count as its own (`derived`), unless it names a tool or a page as the source.
 */
export function createMcpServer({ memory, user, version, onRemembered, onForgotten }: McpOptions): McpServer {
  const server = new McpServer({ name: "marrow", version });
  const facts = memory.facts(user);

  server.registerTool(
    "remember",
    {
      title: "Remember",
      description: "Remember something about the user for later conversations. The same thing is remembered once.",
      inputSchema: {
        text: z.string().min(1).max(4_000).describe("What to remember, as one sentence"),
        kind: z
          .enum(KINDS)
          .optional()
          .describe("semantic: a fact; episodic: something that happened; preference; procedure"),
        key: z
          .string()
          .min(1)
          .max(256)
          .optional()
          .describe("Topic that has one answer at a time, such as the home city; replaces the previous answer"),
        importance: z.number().min(0).max(1).optional(),
        said_by: z
          .enum(["user", "assistant", "tool"])
          .optional()
          .describe("Who stated it; tools and web pages are trusted least"),
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    ({ said_by: role = "assistant", ...fact }) =>
      answering("remember", async () => {
        const { status, fact: kept } = await facts.remember({ ...fact, source: { role } });
        await onRemembered?.(kept.id, Buffer.byteLength(JSON.stringify(fact)));
        return { status, ...toBody(kept) };
      }),
  );

  server.registerTool(
    "recall",
    {
      title: "Recall",
      description: "Recall facts about the user that are relevant to a text, most relevant first.",
      inputSchema: {
        about: z.string().min(1).max(10_000),
        limit: z.int().min(1).max(50).optional(),
        kinds: z.array(z.enum(KINDS)).min(1).optional(),
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ about, limit, kinds }) =>
      answering("recall", async () => ({ memories: (await facts.recall(about, { limit, kinds })).map(toRecalled) })),
  );

  server.registerTool(
    "forget",
    {
      title: "Forget",
      description: "Forget memories by their ids.",
      inputSchema: { ids: z.array(z.string().min(1).max(64)).min(1).max(100) },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ ids }) =>
      answering("forget", async () => {
        const named = [...new Set(ids)];
        const counts = await Promise.all(named.map((id) => facts.forget([id])));
        const forgotten = named.filter((_, at) => counts[at] !== 0);
        await onForgotten?.(named, forgotten);
        return { forgotten: forgotten.length };
      }),
  );

  server.registerTool(
    "list_sessions",
    {
      title: "List sessions",
      description:
        "The user's sessions by their last change, newest first; with words, only those that contain all of them.",
      inputSchema: {
        words: z.string().min(1).max(1_024).optional(),
        limit: z.int().min(1).max(50).optional(),
        after: z.string().optional().describe("The cursor of the page before"),
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ words, limit, after }) =>
      answering("list_sessions", async () => {
        const page = { user, limit, after };
        const { data, cursor } =
          words === undefined ? await memory.sessions(page) : await memory.search({ ...page, words });
        return { sessions: data, ...(cursor !== undefined && { cursor }) };
      }),
  );

  server.registerTool(
    "read_session",
    {
      title: "Read a session",
      description: "The turns of one of the user's sessions, oldest first.",
      inputSchema: {
        id: z.string().min(1).max(512),
        after: z.int().min(0).optional().describe("Only turns after this sequence number"),
        limit: z.int().min(1).max(200).optional(),
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ id, after, limit = 50 }) =>
      answering("read_session", async () => {
        const newest = after === undefined ? { from: "newest" as const } : { after };
        const read = await memory.session({ user, id }).read({ limit, ...newest });
        const turns = after === undefined ? newestFitting(read.turns) : oldestFitting(read.turns);
        return { version: read.version, turns, ...(read.summary && { summary: read.summary }) };
      }),
  );

  return server;
}

/** Characters of the turns that one call answers with: an agent reads on with `after`. */
const TURNS_CHARS_MAX = 1_048_576;

function oldestFitting(turns: readonly Kept[]): readonly Kept[] {
  let left = TURNS_CHARS_MAX;
  const over = turns.findIndex((turn) => (left -= sizeOf(turn)) < 0);
  return over === -1 ? turns : turns.slice(0, Math.max(1, over));
}

function newestFitting(turns: readonly Kept[]): readonly Kept[] {
  return oldestFitting(turns.toReversed()).toReversed();
}

/** Runs a tool. A refusal of Marrow is returned to the model, so that it can correct the call. */
async function answering(tool: string, work: () => Promise<Record<string, unknown>>): Promise<CallToolResult> {
  try {
    const result = await signalling("gateway:tool", () => ({ tool }), work);
    return { content: [{ type: "text", text: JSON.stringify(result) }], structuredContent: result };
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { isError: true, content: [{ type: "text", text: `${error.code}: ${error.message}` }] };
  }
}

function toBody({ id, text, kind, key, trust, importance, createdAtMs }: Fact): Record<string, unknown> {
  return {
    id,
    text,
    kind,
    trust,
    importance,
    created_at: new Date(createdAtMs).toISOString(),
    ...(key !== undefined && { key }),
  };
}

function toRecalled(recalled: Recalled): Record<string, unknown> {
  return { ...toBody(recalled), score: Number(recalled.relevance.score.toFixed(4)) };
}
