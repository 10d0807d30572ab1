import type { Resource } from "./tenancy/ownership.ts";

/** A row of the table: `METHOD /path  Summary.` */
interface RouteRow {
  readonly route: string;
  readonly resource: Resource;
  readonly summary: string;
}

const rows = (resource: Resource, start: string, routes: string): RouteRow[] =>
  routes
    .trim()
    .split(/\s*\n\s*/)
    .map((row) => {
      const [, method = "", path = "", summary = ""] = /^(\S+) (\/\S*)?\s*(.*)$/.exec(row) ?? [];
      return { route: `${method} ${start}${path}`, resource, summary };
    });

const WEBHOOKS = `
  POST Creates a webhook endpoint. The response contains its secret.
  GET Lists webhook endpoints.
  GET /:id Returns a webhook endpoint.
  POST /:id Changes a webhook endpoint.
  DELETE /:id Deletes a webhook endpoint.
  POST /:id/rotate Gives an endpoint a new secret; the old one also signs for a time.
  POST /:id/test Sends a test event to an endpoint.
  GET /:id/deliveries Lists deliveries to an endpoint, with every attempt.
  POST /:id/redrive Sends failed deliveries again.`;

const TABLE: readonly RouteRow[] = [
  ...rows(
    "health",
    "",
    `GET /healthz Returns 200 while the process runs.
     GET /readyz Returns 200 while Redis serves reads and writes.
     GET /metrics Returns metrics in Prometheus' text format.
     GET /openapi.json Returns the OpenAPI 3.1 description of all routes.`,
  ),
  ...rows(
    "model",
    "/v1/models",
    `GET Lists the models of all upstreams, and the embedder.
     GET /* Returns a model.`,
  ),
  ...rows("embedding", "/v1/embeddings", "POST Embeds texts or tokens."),
  ...rows(
    "model",
    "/v1",
    `POST /moderations Forwards a moderation to the upstream that serves the model.
     POST /images/generations Forwards a request for images to the upstream that serves the model.
     POST /audio/speech Forwards a request for speech to the upstream that serves the model.
     POST /audio/transcriptions Forwards a recording, as a form, to the upstream that serves the model.
     POST /audio/translations Forwards a recording to be translated, as a form, to the upstream that serves the model.
     POST /images/edits Forwards pictures to be edited, as a form, to the upstream that serves the model.
     POST /images/variations Forwards a picture to be varied, as a form, to the upstream that serves the model.
     POST /completions Forwards a legacy completion to the upstream that serves the model.
     POST /rerank Forwards a request to rerank to the upstream that serves the model.`,
  ),
  ...rows(
    "session",
    "/v1/chat/completions",
    "POST Creates a chat completion, whole or as a stream, with cache, sessions and limits.",
  ),
  ...rows("session", "/v1/messages", "POST Creates a message in the format of Anthropic's API, with any model."),
  ...rows("model", "/v1/messages/count_tokens", "POST Counts the tokens of a messages request."),
  ...rows(
    "response",
    "/v1/responses",
    `POST Creates a response: synchronously, as a stream, or in the background.
     POST /compact Compacts a long conversation into fewer items.
     POST /input_tokens Counts the tokens of a response's input.
     GET /:id Returns a response, or streams it from any event on.
     POST /:id/cancel Cancels a background response.
     DELETE /:id Deletes a response.
     GET /:id/input_items Lists the input items of a response.`,
  ),
  ...rows(
    "batch",
    "/v1/batches",
    `POST Creates a batch from a file of requests.
     GET Lists batches.
     GET /:id Returns a batch with its counts.
     POST /:id/cancel Cancels a batch.`,
  ),
  ...rows(
    "task",
    "/v1/tasks",
    `POST Pushes a task for your own workers.
     GET /:id Returns a task with its state, attempts and result.
     POST /:id/cancel Cancels a task.
     POST /:id/signal Sends a task the signal that it waits for.
     POST /:id/promote Makes a delayed task due now.
     DELETE /:id Removes a task.
     GET /:id/stream Streams a task's output and progress.`,
  ),
  ...rows(
    "task worker",
    "/v1/tasks",
    `POST /claim Leases waiting tasks, and waits for one if there are none.
     POST /:id/extend Renews the lease of a claimed task.
     POST /:id/write Appends to the output of a claimed task.
     POST /:id/progress Reports progress of a claimed task.
     POST /:id/step Stores the result of a step, once.
     POST /:id/finish Finishes a claimed task with its result.
     POST /:id/fail Fails a claimed task; it is retried while attempts are left.
     POST /:id/release Returns a claimed task to the queue.`,
  ),
  ...rows(
    "limit",
    "/v1/limits",
    `GET Lists limits.
     GET /:limit Returns a limit's rules.
     PUT /:limit Declares a limit.
     DELETE /:limit Deletes a limit.
     POST /:limit/take Takes units of a subject, or refuses with the time to wait.
     POST /:limit/peek Returns a subject's state, without taking units.
     POST /:limit/settle Replaces the units of a take by those really used.`,
  ),
  ...rows("webhook", "/v1/webhooks", WEBHOOKS),
  ...rows("webhook", "/v1/tasks/webhooks", WEBHOOKS),
  ...rows("agent card", "/a2a/:agent/.well-known/agent-card.json", "GET Returns the card of an agent (A2A)."),
  ...rows("A2A task", "/a2a/:agent", "POST Sends an A2A message to an agent (JSON-RPC)."),
  ...rows(
    "conversation",
    "/v1/conversations",
    `POST Creates a conversation.
     GET /:conversation Returns a conversation.
     POST /:conversation Changes a conversation's metadata.
     DELETE /:conversation Deletes a conversation with its items.
     POST /:conversation/items Appends items to a conversation.
     GET /:conversation/items Lists the items of a conversation.
     GET /:conversation/items/:item Returns an item of a conversation.
     DELETE /:conversation/items/:item Deletes an item of a conversation.`,
  ),
  ...rows(
    "memory",
    "/v1/memories",
    `POST Stores facts about a user.
     GET Lists a user's facts.
     POST /recall Finds a user's facts relevant to a text.
     POST /forget Deletes a user's data in all roles.
     GET /:id Returns a fact.
     GET /:id/history Returns a fact and those that it superseded.
     POST /:id Changes a fact.
     DELETE /:id Deletes a fact.`,
  ),
  ...rows(
    "cache entry",
    "/v1/caches/:cache",
    `POST /entries Stores an answer under its prompt.
     POST /entries/search Finds a stored answer by its prompt's meaning.
     DELETE /entries/:id Deletes an entry.
     DELETE /entries Deletes the entries with the given attributes.
     POST /flush Deletes all entries of a cache.`,
  ),
  ...rows(
    "memory",
    "/mcp",
    `POST Serves the Model Context Protocol: tools for an agent's memory.
     GET Refused: the server keeps no streams open.
     DELETE Refused: there are no sessions to end.`,
  ),
  ...rows(
    "file",
    "/v1/files",
    `POST Uploads a file.
     GET Lists files.
     GET /:id Returns a file's details.
     GET /:id/content Returns a file's bytes.
     DELETE /:id Deletes a file, also from every vector store.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores",
    `POST Creates a vector store.
     GET Lists vector stores.
     GET /:store Returns a vector store.
     POST /:store Changes a vector store.
     DELETE /:store Deletes a vector store; its files stay.
     POST /:store/search Searches a vector store by meaning, with filters.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores/:store/files",
    `POST Attaches a file: cuts it into chunks and embeds them.
     GET Lists the files of a vector store.
     GET /:id Returns a file's progress.
     POST /:id Changes a file's attributes.
     DELETE /:id Detaches a file.
     GET /:id/content Returns a file's chunks.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores/:store/file_batches",
    `POST Attaches many files.
     GET /:id Returns the progress of a batch of files.
     POST /:id/cancel Cancels a batch of files.
     GET /:id/files Lists the files of a batch.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/keys",
    `POST Creates a key. Only this response contains it.
     GET Lists keys.
     POST /:id Changes a key's name, plan, reach or expiry.
     POST /:id/rotate Replaces a key by a new one; the old one expires after an overlap.
     DELETE /:id Revokes a key.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/plans",
    `GET Lists plans.
     PUT /:id Defines a plan.
     DELETE /:id Deletes a plan.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/users/:id",
    `GET Returns a user's state for each limit.
     PUT Sets a user's plan.
     POST /block Blocks a user.
     POST /unblock Unblocks a user.
     POST /override Sets other limits for a user.
     POST /boost Gives a user more units for a time.
     POST /restore Removes a user's overrides and boosts.`,
  ),
  ...rows("administration", "/v1/admin/lanes/open", "POST Opens a provider's closed lane."),
  ...rows("administration", "/v1/admin/upstreams", "GET Returns the health of upstreams, as seen by this gateway."),
  ...rows("administration", "/v1/admin/reload", "POST Makes all gateways of this Redis reload their configuration."),
  ...rows("administration", "/v1/admin/spend", "GET Returns requests, tokens and cost by key, user or model, per day."),
  ...rows(
    "administration",
    "/v1/admin/savings",
    "GET Returns the savings of the cache, and the estimated fraction of wrong answers.",
  ),
  ...rows(
    "dashboard",
    "",
    `GET / Redirects a browser to the dashboard.
     GET /dashboard Returns the dashboard's page.
     GET /dashboard/* Returns a file or a page of the dashboard.
     GET /v1/admin/session Returns the cookie's sign-in to the dashboard.
     POST /v1/admin/session Signs in to the dashboard by an API key or a one-time link.`,
  ),
  ...rows("administration", "/v1/admin/session", "DELETE Signs out of the dashboard."),
  ...rows(
    "administration",
    "/v1/admin/overview",
    "GET Returns the state of this gateway, Redis, queues and upstreams.",
  ),
  ...rows("administration", "/v1/admin/live", "GET Streams the overview or the queues as server-sent events."),
  ...rows(
    "administration",
    "/v1/admin/playground",
    "POST Calls a model as a user of a scope, and returns all headers.",
  ),
  ...rows(
    "administration",
    "/v1/admin/cache",
    `GET Returns the configuration and audits of a scope's cache.
     POST /explain Explains the cache's decision about a prompt.
     GET /entries Lists stored answers, by user and by words.
     GET /entries/:id Returns a stored answer with its wordings, hits and expiry.
     POST /entries/:id/audit Records whether a near stored question asks the same.
     POST /entries/:id/feedback Records whether a served answer was right; a wrong one is deleted.
     DELETE /entries/:id Deletes a stored answer.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/queues",
    `GET Returns the statistics of the gateway's queues.
     GET /:queue/jobs Lists a scope's jobs of a state.
     POST /:queue/jobs Promotes, cancels or redrives several jobs of a scope.
     GET /:queue/jobs/:id Returns a job.
     GET /:queue/endpoints Lists the endpoints of a scope's webhooks.
     GET /:queue/endpoints/:id/deliveries Lists deliveries to an endpoint.
     GET /:queue/jobs/:id/deliveries Lists the webhook deliveries about a job.
     POST /:queue/jobs/:id/promote Makes a delayed job due now.
     POST /:queue/jobs/:id/cancel Cancels a job.
     POST /:queue/jobs/:id/redrive Retries a dead job with new attempts.
     POST /:queue/redrive Retries a scope's oldest dead jobs with new attempts.
     POST /:queue/pause Pauses a queue for a scope, or for all.
     POST /:queue/resume Ends a pause of a queue.
     GET /:queue/schedules Lists a scope's schedules.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/batches",
    `GET Lists a scope's batches.
     POST /:id/cancel Cancels a batch.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/users",
    "GET Lists the users with most requests today, and their nearest limit.",
  ),
  ...rows(
    "administration",
    "/v1/admin/users/:id",
    `GET /sessions Lists a user's sessions.
     GET /sessions/:session Returns turns of a session.
     GET /sessions/:session/context Returns the turns that a model would get.
     GET /facts Lists facts about a user, with their origin.
     DELETE /facts/:fact Deletes one fact of a user.
     POST /forget Deletes a user's data in all roles, and returns how much it was.`,
  ),
  ...rows("administration", "/v1/admin/agents", "GET Lists the agents of a scope."),
  ...rows(
    "administration",
    "/v1/admin/trees",
    `GET Lists the last call trees of a scope's agents.
     GET /:id Returns the messages of a call tree, without their content.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/topics",
    `GET Lists a scope's durable topics: messages, bytes, groups with their lag, dead letters.
     GET /:topic Returns a topic's statistics and its groups' progress.
     GET /:topic/groups/:group/dead Lists a group's dead letters.
     POST /:topic/groups/:group/redrive Returns dead letters to their group.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/traces",
    `GET Lists a sample of a scope's latest requests with their stages, latest first.
     GET /:id Returns a recorded request.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/vectors",
    `GET Returns the vector engine and its indexes.
     GET /collections Lists a scope's collections of the library, with their recall.
     GET /migrations Lists a scope's migrations with their progress.
     GET /stores Lists a scope's vector stores.
     GET /stores/:store Returns a vector store of a scope.
     GET /stores/:store/files Lists the files of a vector store.
     POST /stores/:store/search Searches a vector store, and returns the scores.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/health",
    "GET Returns the results of `marrow doctor`, and the current configuration, masked.",
  ),
  ...rows("administration", "/v1/admin/audit", "GET Lists acts of administrators, latest first."),
];

/** Resource of each route. A test fails for a route without one, so that its ownership is always decided. */
export const ROUTES: ReadonlyMap<string, Resource> = new Map(TABLE.map(({ route, resource }) => [route, resource]));

/** Summary of each route, in one sentence. */
export const SUMMARIES: ReadonlyMap<string, string> = new Map(TABLE.map(({ route, summary }) => [route, summary]));

/** Returns the resource of a route; a `HEAD` counts as the `GET`. */
export function resourceOf(method: string, url: string | undefined): Resource | undefined {
  return ROUTES.get(`${method === "HEAD" ? "GET" : method} ${url ?? ""}`);
}
