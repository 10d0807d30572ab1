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
  POST Makes a webhook endpoint; the answer has its secret.
  GET Lists webhook endpoints.
  GET /:id Reads a webhook endpoint.
  POST /:id Changes a webhook endpoint.
  DELETE /:id Deletes a webhook endpoint.
  POST /:id/rotate Gives an endpoint a new secret; the old one signs for a while, too.
  POST /:id/test Sends a test event to an endpoint.
  GET /:id/deliveries Lists deliveries of an endpoint, with every attempt.
  POST /:id/redrive Sends failed deliveries once more.`;

const TABLE: readonly RouteRow[] = [
  ...rows(
    "health",
    "",
    `GET /healthz The process runs.
     GET /readyz Redis serves reads and writes.
     GET /metrics Metrics in Prometheus' text format.
     GET /openapi.json Describes every route in OpenAPI 3.1.`,
  ),
  ...rows(
    "model",
    "/v1/models",
    `GET Lists the models of all upstreams, and the embedder.
     GET /* Reads a model.`,
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
    "POST Answers a chat, whole or as a stream; cached, remembered and limited.",
  ),
  ...rows("session", "/v1/messages", "POST Answers a request of Anthropic's messages API before any model."),
  ...rows("model", "/v1/messages/count_tokens", "POST Counts the tokens of a request of the messages API."),
  ...rows(
    "response",
    "/v1/responses",
    `POST Makes a response, at once, as a stream, or in the background.
     POST /compact Compacts a long conversation into items that stand for it.
     POST /input_tokens Counts the tokens of a response's input.
     GET /:id Reads a response, or streams it from any event on.
     POST /:id/cancel Cancels a response that runs in the background.
     DELETE /:id Deletes a response.
     GET /:id/input_items Lists what a response was asked.`,
  ),
  ...rows(
    "batch",
    "/v1/batches",
    `POST Makes a batch out of a file of requests.
     GET Lists batches.
     GET /:id Reads a batch with its counts.
     POST /:id/cancel Cancels a batch.`,
  ),
  ...rows(
    "task",
    "/v1/tasks",
    `POST Pushes a task for your own workers.
     GET /:id Reads a task with its state, attempts and result.
     POST /:id/cancel Cancels a task.
     POST /:id/signal Sends a task the signal that it waits for.
     POST /:id/promote Lets a delayed task begin now.
     DELETE /:id Removes a task.
     GET /:id/stream Streams a task's output and progress.`,
  ),
  ...rows(
    "task worker",
    "/v1/tasks",
    `POST /claim Claims waiting tasks under a lease; waits for one.
     POST /:id/extend Renews the lease of a claimed task.
     POST /:id/write Writes output of a claimed task.
     POST /:id/progress Reports progress of a claimed task.
     POST /:id/step Stores the result of a step, once.
     POST /:id/finish Finishes a claimed task with its result.
     POST /:id/fail Fails a claimed task; it is tried again while attempts are left.
     POST /:id/release Hands a claimed task back.`,
  ),
  ...rows(
    "limit",
    "/v1/limits",
    `GET Lists limits.
     GET /:limit Reads a limit's rules.
     PUT /:limit Declares a limit.
     DELETE /:limit Deletes a limit.
     POST /:limit/take Takes units of a subject, or says how long to wait.
     POST /:limit/peek Tells how a subject stands, and takes nothing.
     POST /:limit/settle Corrects a take by what was used in the end.`,
  ),
  ...rows("webhook", "/v1/webhooks", WEBHOOKS),
  ...rows("webhook", "/v1/tasks/webhooks", WEBHOOKS),
  ...rows("agent card", "/a2a/:agent/.well-known/agent-card.json", "GET Reads the card of an agent (A2A)."),
  ...rows("A2A task", "/a2a/:agent", "POST Sends an agent a message of A2A (JSON-RPC)."),
  ...rows(
    "conversation",
    "/v1/conversations",
    `POST Makes a conversation.
     GET /:conversation Reads a conversation.
     POST /:conversation Changes a conversation's metadata.
     DELETE /:conversation Deletes a conversation with its items.
     POST /:conversation/items Appends items to a conversation.
     GET /:conversation/items Lists the items of a conversation.
     GET /:conversation/items/:item Reads an item of a conversation.
     DELETE /:conversation/items/:item Deletes an item of a conversation.`,
  ),
  ...rows(
    "memory",
    "/v1/memories",
    `POST Remembers facts about a user.
     GET Lists a user's facts.
     POST /recall Finds the facts that matter for a text.
     POST /forget Forgets a user's facts and sessions.
     GET /:id Reads a fact.
     GET /:id/history Reads what a fact said before.
     POST /:id Changes a fact.
     DELETE /:id Deletes a fact.`,
  ),
  ...rows(
    "cache entry",
    "/v1/caches/:cache",
    `POST /entries Stores an answer under its prompt.
     POST /entries/search Finds a stored answer by its prompt's meaning.
     DELETE /entries/:id Deletes an entry.
     DELETE /entries Deletes the entries that have these attributes.
     POST /flush Empties a cache.`,
  ),
  ...rows(
    "memory",
    "/mcp",
    `POST Speaks the Model Context Protocol: tools for an agent's memory.
     GET Refused: the server keeps no streams open.
     DELETE Refused: there are no sessions to end.`,
  ),
  ...rows(
    "file",
    "/v1/files",
    `POST Uploads a file.
     GET Lists files.
     GET /:id Reads what is known of a file.
     GET /:id/content Reads a file's bytes.
     DELETE /:id Deletes a file, in every vector store, too.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores",
    `POST Makes a vector store.
     GET Lists vector stores.
     GET /:store Reads a vector store.
     POST /:store Changes a vector store.
     DELETE /:store Deletes a vector store; its files stay.
     POST /:store/search Searches a vector store by meaning, with filters.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores/:store/files",
    `POST Attaches a file: it is cut into chunks and embedded.
     GET Lists the files of a vector store.
     GET /:id Reads how far a file is.
     POST /:id Changes a file's attributes.
     DELETE /:id Detaches a file.
     GET /:id/content Reads a file's chunks.`,
  ),
  ...rows(
    "vector store",
    "/v1/vector_stores/:store/file_batches",
    `POST Attaches many files.
     GET /:id Reads how far a batch of files is.
     POST /:id/cancel Cancels a batch of files.
     GET /:id/files Lists the files of a batch.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/keys",
    `POST Makes a key; no other answer contains it.
     GET Lists keys.
     POST /:id Changes a key's name, plan, reach or end.
     POST /:id/rotate Makes a key that stands for the same; the old one ends after a while.
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
    `GET Tells how a user stands by each limit.
     PUT Gives a user a plan.
     POST /block Blocks a user.
     POST /unblock Unblocks a user.
     POST /override Sets other limits for a user.
     POST /boost Gives a user more for a while.
     POST /restore Takes exceptions back.`,
  ),
  ...rows("administration", "/v1/admin/lanes/open", "POST Opens a provider's lane that was closed."),
  ...rows("administration", "/v1/admin/upstreams", "GET Tells how upstreams stand in this gateway."),
  ...rows("administration", "/v1/admin/reload", "POST Lets all gateways of this Redis read their configuration again."),
  ...rows(
    "administration",
    "/v1/admin/spend",
    "GET Tells requests, tokens and cost by key, user or model, day by day.",
  ),
  ...rows(
    "administration",
    "/v1/admin/savings",
    "GET Tells what stored answers saved, and the share of them that is estimated to be wrong.",
  ),
  ...rows(
    "dashboard",
    "",
    `GET / Leads a browser to the dashboard.
     GET /dashboard Sends the page of the dashboard.
     GET /dashboard/* Sends a file or a page of the dashboard.
     GET /v1/admin/session Tells who is signed in to the dashboard by the cookie.
     POST /v1/admin/session Signs in to the dashboard by an API key or a one-time link.`,
  ),
  ...rows("administration", "/v1/admin/session", "DELETE Signs out of the dashboard."),
  ...rows("administration", "/v1/admin/overview", "GET Tells how this gateway, Redis, queues and upstreams are."),
  ...rows(
    "administration",
    "/v1/admin/live",
    "GET Streams the overview, or how the queues stand, as server-sent events.",
  ),
  ...rows("administration", "/v1/admin/playground", "POST Asks a model as a user of a scope, and tells all headers."),
  ...rows(
    "administration",
    "/v1/admin/cache",
    `GET Tells how a scope's cache is set up, and what was audited.
     POST /explain Tells what the cache would make of a prompt, and why.
     GET /entries Lists stored answers, by user and by words.
     GET /entries/:id Reads a stored answer with its wordings, hits and life.
     POST /entries/:id/audit Notes whether a near stored question asks the same.
     POST /entries/:id/feedback Tells whether a served answer was right; a wrong one is forgotten.
     DELETE /entries/:id Forgets a stored answer.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/queues",
    `GET Tells how the gateway's queues stand.
     GET /:queue/jobs Lists a scope's jobs of a state.
     POST /:queue/jobs Promotes, cancels or redrives several jobs of a scope.
     GET /:queue/jobs/:id Reads a job.
     GET /:queue/endpoints Lists the endpoints of a scope's webhooks.
     GET /:queue/endpoints/:id/deliveries Lists what was sent to an endpoint.
     GET /:queue/jobs/:id/deliveries Lists the webhooks that told of a job.
     POST /:queue/jobs/:id/promote Lets a job that waits for its time go now.
     POST /:queue/jobs/:id/cancel Cancels a job.
     POST /:queue/jobs/:id/redrive Gives a dead job new attempts.
     POST /:queue/redrive Gives a scope's oldest dead jobs new attempts.
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
  ...rows("administration", "/v1/admin/users", "GET Lists the users that asked most today, and their nearest limit."),
  ...rows(
    "administration",
    "/v1/admin/users/:id",
    `GET /sessions Lists a user's sessions.
     GET /sessions/:session Reads turns of a session.
     GET /sessions/:session/context Tells the turns that a model would be told.
     GET /facts Lists what is known of a user, with where it comes from.
     DELETE /facts/:fact Forgets one fact of a user.
     POST /forget Forgets a user in all roles, and tells how much that was.`,
  ),
  ...rows("administration", "/v1/admin/agents", "GET Lists the agents of a scope."),
  ...rows(
    "administration",
    "/v1/admin/trees",
    `GET Lists the last call trees of a scope's agents.
     GET /:id Reads the messages of a call tree, without what they say.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/topics",
    `GET Lists a scope's durable topics: messages, bytes, groups with their lag, dead letters.
     GET /:topic Tells how a topic stands, and how far its groups are.
     GET /:topic/groups/:group/dead Lists messages that a group put aside.
     POST /:topic/groups/:group/redrive Gives messages that were put aside to their group again.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/traces",
    `GET Lists a sample of a scope's last requests with their stages, the latest first.
     GET /:id Reads a recorded request.`,
  ),
  ...rows(
    "administration",
    "/v1/admin/vectors",
    `GET Tells what finds vectors.
     GET /collections Lists a scope's collections of the library, with their recall.
     GET /migrations Lists a scope's migrations, and how far each is.
     GET /stores Lists a scope's vector stores.
     GET /stores/:store Reads a vector store of a scope.
     GET /stores/:store/files Lists the files of a vector store.
     POST /stores/:store/search Searches a vector store, and tells the scores.`,
  ),
  ...rows("administration", "/v1/admin/health", "GET Tells what doctor finds, and the configuration in force, masked."),
  ...rows("administration", "/v1/admin/audit", "GET Lists acts of administrators, the latest first."),
];

/** Resource of each route. A test fails for a route without one, so that its ownership is always decided. */
export const ROUTES: ReadonlyMap<string, Resource> = new Map(TABLE.map(({ route, resource }) => [route, resource]));

/** Summary of each route, in one sentence. */
export const SUMMARIES: ReadonlyMap<string, string> = new Map(TABLE.map(({ route, summary }) => [route, summary]));

/** Returns the resource of a route; a `HEAD` counts as the `GET`. */
export function resourceOf(method: string, url: string | undefined): Resource | undefined {
  return ROUTES.get(`${method === "HEAD" ? "GET" : method} ${url ?? ""}`);
}
