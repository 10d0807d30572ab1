import { CANARY } from "./values.ts";

const message = { role: "user", content: `${CANARY} what is a heap?` };
const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };
const tool = {
  type: "function",
  function: { name: "f", description: "d", parameters: { type: "object", properties: {} } },
};
const endpoint = { url: "https://example.com/hook", events: ["response.completed"], ordered: false, enabled: true };
const rpc = (method: string, params: unknown) => ({ jsonrpc: "2.0", id: 1, method, params });
const a2aMessage = { messageId: "m1", role: "ROLE_USER", parts: [{ text: `${CANARY} hello` }] };
const filter = {
  type: "and",
  filters: [
    { type: "eq", key: "a", value: 1 },
    { type: "in", key: "b", value: ["x"] },
  ],
};
const itemOf = (more: object) => ({ items: [{ type: "message", ...message, ...more }] });

/** Valid bodies by route: what the fuzzer mutates. A value `$name` is an id of that kind that the gateway gave out. */
export const BODIES: Readonly<Record<string, readonly unknown[]>> = {
  "POST /v1/chat/completions": [
    { model: "scripted", messages: [message] },
    { model: "scripted", messages: [{ role: "system", content: "be brief" }, message], stream: true, temperature: 0 },
    {
      model: "scripted",
      messages: [
        message,
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "c1", content: "3" },
      ],
      tools: [tool],
      tool_choice: "auto",
    },
    {
      model: "demo",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: CANARY },
            { type: "image_url", image_url: { url: "https://a.b/c.png" } },
          ],
        },
      ],
      user: "ann",
      metadata: { session_id: "s1" },
      response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
    },
    { model: "scripted", messages: [message], conversation: "$conv", seed: 1, n: 1, stop: ["x"], max_tokens: 5 },
  ],
  "POST /v1/messages": [
    { model: "scripted", max_tokens: 50, messages: [message] },
    {
      model: "scripted",
      max_tokens: 2_000,
      stream: true,
      system: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
      thinking: { type: "enabled", budget_tokens: 1_024 },
      stop_sequences: ["END"],
      top_k: 5,
      metadata: { user_id: "u" },
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: CANARY },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "facts" }, title: "t" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "s" },
            { type: "redacted_thinking", data: "opaque" },
            { type: "tool_use", id: "c1", name: "f", input: { a: 1 } },
          ],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "c1", content: [{ type: "text", text: "3" }], is_error: true }],
        },
      ],
      tools: [{ name: "f", description: "d", input_schema: { type: "object" }, strict: true }],
      tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
      output_config: { effort: "low", format: { type: "json_schema", schema: { type: "object" } } },
    },
  ],
  "POST /v1/messages/count_tokens": [
    { model: "scripted", messages: [message], tools: [{ name: "f", input_schema: {} }] },
  ],
  "POST /v1/responses": [
    { model: "scripted", input: `${CANARY} hello` },
    { model: "scripted", input: [message], stream: true, instructions: "be brief", store: false },
    {
      model: "scripted",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: CANARY },
            { type: "input_image", image_url: "https://a.b/c.png" },
          ],
        },
        { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "3" }] },
        { type: "reasoning", id: "rs_1", summary: [] },
      ],
      tools: [{ type: "function", name: "f", parameters: { type: "object" }, strict: true }],
      tool_choice: { type: "function", name: "f" },
      text: { format: { type: "json_schema", name: "n", schema: { type: "object" } }, verbosity: "low" },
    },
    { model: "scripted", input: "hello", background: true, metadata: { a: "b" }, previous_response_id: "$resp" },
    {
      model: "scripted",
      input: "hello",
      conversation: { id: "$conv" },
      reasoning: { effort: "low" },
      truncation: "auto",
    },
  ],
  "POST /v1/embeddings": [
    { model: "$embedder", input: `${CANARY} text` },
    { model: "$embedder", input: ["a", "b"], encoding_format: "base64", dimensions: 256 },
  ],
  "POST /v1/caches/:cache/entries": [
    { prompt: `${CANARY} what is a heap?`, response: "a tree", attributes: { language: "en" }, ttlMillis: 60_000 },
    { prompt: "What is a stack?", response: "a pile" },
  ],
  "POST /v1/caches/:cache/entries/search": [
    { prompt: `${CANARY} what is a heap?`, similarityThreshold: 0.5, searchStrategies: ["exact", "semantic"] },
    { prompt: "what's a stack", attributes: { language: "en" } },
  ],
  "PUT /v1/limits/:limit": [
    {
      rules: [
        { id: "requests", by: "user", limit: 1_000_000, window_ms: 60_000 },
        { id: "slots", by: "app", unit: "concurrency", limit: 1_000 },
      ],
      lease_ms: 1_000,
    },
    { rules: [{ id: "day", by: "user", unit: "cost", algorithm: "fixedWindow", limit: 10, calendar: "day" }] },
  ],
  "POST /v1/limits/:limit/take": [{ subjects: { user: CANARY }, costs: { tokens: 5 }, reserve: true, wait_ms: 10 }],
  "POST /v1/limits/:limit/peek": [{ subjects: { user: CANARY } }],
  "POST /v1/limits/:limit/settle": [{ permit: "$permit", costs: { tokens: 1 } }],
  "POST /v1/conversations": [{ metadata: { a: "b" }, ...itemOf({}) }, { items: [] }],
  "POST /v1/conversations/:conversation": [{ metadata: { a: "b" } }],
  "POST /v1/conversations/:conversation/items": [
    itemOf({ content: [{ type: "input_text", text: CANARY }] }),
    { items: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "x" }] }] },
    { items: [{ type: "function_call", call_id: "c", name: "f", arguments: "{}" }] },
  ],
  "POST /v1/memories": [
    { text: `${CANARY} likes tea`, kind: "preference", key: "drink", importance: 0.5, pinned: false, trust: "derived" },
    { text: "lives in Paris", source: { role: "user", session: "s", sequence: 1 } },
  ],
  "POST /v1/memories/recall": [
    { about: `${CANARY} tea`, limit: 5, kinds: ["preference"], at_least: "derived", min_similarity: 0.1 },
  ],
  "POST /v1/memories/forget": [{ ids: ["$fact"] }, { all: true }],
  "POST /v1/memories/:id": [{ pinned: true, importance: 0.2 }],
  "POST /v1/batches": [
    { input_file_id: "$file", endpoint: "/v1/chat/completions", completion_window: "24h", metadata: { a: "b" } },
  ],
  "POST /v1/tasks": [
    { payload: { a: CANARY }, priority: 5, attempts: 3, crashes: 2, result_ttl_ms: 60_000 },
    { payload: null, delay_ms: 60_000, depends_on: ["$task"] },
  ],
  "POST /v1/tasks/claim": [{ limit: 2, lease_ms: 1_000, wait_ms: 0 }],
  "POST /v1/tasks/:id/extend": [{ fence: "$fence", lease_ms: 1_000 }],
  "POST /v1/tasks/:id/write": [{ fence: "$fence", from: 0, texts: [CANARY, "b"] }],
  "POST /v1/tasks/:id/progress": [{ fence: "$fence", progress: { done: 0.5 } }],
  "POST /v1/tasks/:id/step": [{ fence: "$fence", name: "load", result: { a: 1 } }],
  "POST /v1/tasks/:id/finish": [{ fence: "$fence", result: { a: 1 } }],
  "POST /v1/tasks/:id/fail": [
    { fence: "$fence", reason: "broken", message: CANARY, retryable: true, retry_after_ms: 10 },
  ],
  "POST /v1/tasks/:id/release": [{ fence: "$fence" }],
  "POST /v1/tasks/:id/signal": [{ name: "go", value: { a: 1 } }],
  "POST /v1/responses/input_tokens": [{ model: "scripted", input: [message], instructions: "be brief" }],
  "POST /v1/responses/compact": [{ model: "scripted", input: [message, { role: "assistant", content: "a tree" }] }],
  "POST /v1/admin/reload": [{}],
  "POST /v1/admin/session": [{ key: "mrw_x" }, { link: "x" }],
  "POST /v1/admin/cache/explain": [{ model: "scripted", prompt: "what is a heap?", system: "be brief", user: "u" }],
  "POST /v1/admin/vectors/stores/:store/search": [
    { query: "refunds", limit: 3, words: true, filter: { type: "eq", key: "lang", value: "en" } },
  ],
  "POST /v1/admin/cache/entries/:id/feedback": [{ right: true, match: "similar", score: 0.9, wording: "w" }],
  "POST /v1/admin/queues/:queue/jobs": [{ act: "cancel", ids: ["a", "b"] }],
  "POST /v1/admin/queues/:queue/pause": [{ all: false }, {}],
  "POST /v1/admin/queues/:queue/resume": [{ all: true }],
  "POST /v1/admin/queues/:queue/redrive": [{ limit: 10 }],
  "POST /v1/admin/topics/:topic/groups/:group/redrive": [{ ids: ["1-1"] }, { limit: 5 }],
  "POST /v1/admin/playground": [{ model: "scripted", messages: [message], user: "u", session: "s", temperature: 0 }],
  "POST /v1/admin/lanes/open": [{ model: "scripted", provider: "x" }],
  "POST /v1/webhooks": [endpoint],
  "POST /v1/webhooks/:id": [endpoint],
  "POST /v1/webhooks/:id/rotate": [{ overlap_seconds: 10 }],
  "POST /v1/webhooks/:id/redrive": [{ ids: ["a"], from: 0, to: 10 }],
  "POST /v1/tasks/webhooks": [endpoint],
  "POST /v1/tasks/webhooks/:id": [endpoint],
  "POST /v1/tasks/webhooks/:id/rotate": [{ overlap_seconds: 10 }],
  "POST /v1/tasks/webhooks/:id/redrive": [{ ids: ["a"], from: 0, to: 10 }],
  "POST /v1/vector_stores": [
    { name: "n", metadata: { a: "b" }, expires_after: { anchor: "last_active_at", days: 1 }, file_ids: ["$file"] },
    {
      name: "n",
      chunking_strategy: { type: "static", static: { max_chunk_size_tokens: 200, chunk_overlap_tokens: 50 } },
    },
  ],
  "POST /v1/vector_stores/:store": [{ name: "m", metadata: { a: "b" }, expires_after: null }],
  "POST /v1/vector_stores/:store/search": [
    {
      query: `${CANARY} words`,
      filters: filter,
      max_num_results: 5,
      ranking_options: { ranker: "auto", score_threshold: 0.1 },
    },
    { query: ["a", "b"], filters: { type: "gte", key: "a", value: 1 }, rewrite_query: true },
  ],
  "POST /v1/vector_stores/:store/files": [{ file_id: "$file", attributes: { a: 1, b: "x", c: true } }],
  "POST /v1/vector_stores/:store/files/:id": [{ attributes: { a: 1, b: "x" } }],
  "POST /v1/vector_stores/:store/file_batches": [
    { file_ids: ["$file"], attributes: { a: 1 } },
    { files: [{ file_id: "$file" }] },
  ],
  "POST /v1/admin/keys": [{ scope: "s", user: "u", name: "n", plan: "free" }],
  "POST /v1/admin/keys/:id": [{ name: "m", plan: null, ends_at_ms: null }],
  "POST /v1/admin/keys/:id/rotate": [{ overlap_ms: 60_000 }],
  "PUT /v1/admin/plans/:id": [
    {
      requestsPerMinute: 1_000_000,
      tokensPerMinute: 1_000_000,
      tokensPerDay: 1_000_000,
      budgetPerMonth: 1.5,
      concurrentStreams: 100,
    },
  ],
  "PUT /v1/admin/users/:id": [{ plan: null }],
  "POST /v1/admin/users/:id/block": [{ for_ms: 1 }],
  "POST /v1/admin/users/:id/override": [{ limits: { "user-requests": 5 }, for_ms: 1 }],
  "POST /v1/admin/users/:id/boost": [{ more: { "user-requests": 5 }, for_ms: 1 }],
  "POST /mcp": [
    rpc("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "c", version: "1" } }),
    rpc("tools/list", {}),
    rpc("tools/call", { name: "remember", arguments: { text: CANARY, kind: "semantic" } }),
    rpc("tools/call", { name: "recall", arguments: { about: CANARY, limit: 3 } }),
    rpc("tools/call", { name: "forget", arguments: { ids: ["a"] } }),
  ],
  "POST /a2a/:agent": [
    rpc("SendMessage", { message: a2aMessage, configuration: { acceptedOutputModes: ["text/plain"], blocking: true } }),
    rpc("SendMessage", {
      message: a2aMessage,
      configuration: { taskPushNotificationConfig: { url: "https://example.com/p", token: "t" } },
    }),
    rpc("SendStreamingMessage", { message: a2aMessage }),
    rpc("GetTask", { id: "$a2a", historyLength: 1 }),
    rpc("ListTasks", { pageSize: 5, pageToken: "", contextId: "", includeArtifacts: true }),
    rpc("CancelTask", { id: "$a2a" }),
    rpc("CreateTaskPushNotificationConfig", { taskId: "$a2a", url: "https://example.com/p", id: "c", token: "t" }),
    rpc("GetTaskPushNotificationConfig", { taskId: "$a2a", id: "c" }),
    rpc("ListTaskPushNotificationConfigs", { taskId: "$a2a" }),
    rpc("DeleteTaskPushNotificationConfig", { taskId: "$a2a", id: "c" }),
  ],
};
