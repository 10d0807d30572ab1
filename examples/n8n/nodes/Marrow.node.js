/** A node of n8n that calls a Marrow gateway. n8n loads this file as it is; docs/guides/n8n.md says how to install it. */

/** Shows a field for these operations only. @param {string[]} operations */
const shownFor = (...operations) => ({ show: { operation: operations } });

/**
 * What each operation sends: its request, and what of the answer becomes the item.
 * @type {Record<string, (get: (name: string) => any) => {
 *   url: string, body: object, headers?: Record<string, string>, toJson: (body: any, headers: Record<string, string>) => import("n8n-workflow").IDataObject }>}
 */
const OPERATIONS = {
  chat: (get) => ({
    url: "/chat/completions",
    body: { model: get("model"), messages: [{ role: "user", content: get("prompt") }] },
    headers: get("session") === "" ? undefined : { "x-marrow-session": get("session") },
    toJson: (body, headers) => ({
      answer: body.choices[0].message.content,
      cache: headers["x-marrow-cache"],
      usage: body.usage,
    }),
  }),
  remember: (get) => ({ url: "/memories", body: { text: get("text") }, toJson: (body) => body }),
  recall: (get) => ({
    url: "/memories/recall",
    body: { about: get("query"), limit: get("limit") },
    toJson: (body) => ({ memories: body.data }),
  }),
  findCached: (get) => ({
    url: `/caches/${encodeURIComponent(get("cacheName"))}/entries/search`,
    body: { prompt: get("prompt") },
    toJson: ({ data: [entry] }) => (entry === undefined ? { hit: false } : { hit: true, ...entry }),
  }),
  storeCached: (get) => ({
    url: `/caches/${encodeURIComponent(get("cacheName"))}/entries`,
    body: { prompt: get("prompt"), response: get("response") },
    toJson: (body) => body,
  }),
};

class Marrow {
  /** @type {import("n8n-workflow").INodeTypeDescription} */
  description = {
    displayName: "Marrow",
    name: "marrow",
    group: ["transform"],
    version: 1,
    subtitle: '={{$parameter["operation"]}}',
    description: "Chat with sessions and a semantic cache, long-term memories, and cached values",
    defaults: { name: "Marrow" },
    inputs: ["main"],
    outputs: ["main"],
    credentials: [{ name: "marrowApi", required: true }],
    properties: [
      {
        displayName: "Operation",
        name: "operation",
        type: "options",
        noDataExpression: true,
        default: "chat",
        options: [
          { name: "Chat", value: "chat", action: "Ask a model" },
          { name: "Find Cached Value", value: "findCached", action: "Find a cached value" },
          { name: "Recall Memories", value: "recall", action: "Recall memories of a user" },
          { name: "Remember", value: "remember", action: "Remember a fact about a user" },
          { name: "Store Cached Value", value: "storeCached", action: "Store a value in a cache" },
        ],
      },
      { displayName: "Model", name: "model", type: "string", default: "demo", displayOptions: shownFor("chat") },
      {
        displayName: "Prompt",
        name: "prompt",
        type: "string",
        default: "",
        required: true,
        displayOptions: shownFor("chat", "findCached", "storeCached"),
      },
      {
        displayName: "Session",
        name: "session",
        type: "string",
        default: "",
        description: "Name of the conversation; the gateway remembers its turns. Empty for a single question.",
        displayOptions: shownFor("chat"),
      },
      {
        displayName: "Text",
        name: "text",
        type: "string",
        default: "",
        required: true,
        displayOptions: shownFor("remember"),
      },
      {
        displayName: "Query",
        name: "query",
        type: "string",
        default: "",
        required: true,
        displayOptions: shownFor("recall"),
      },
      {
        displayName: "Limit",
        name: "limit",
        type: "number",
        typeOptions: { minValue: 1, maxValue: 100 },
        default: 5,
        description: "Max number of results to return",
        displayOptions: shownFor("recall"),
      },
      {
        displayName: "Cache",
        name: "cacheName",
        type: "string",
        default: "n8n",
        displayOptions: shownFor("findCached", "storeCached"),
      },
      {
        displayName: "Response",
        name: "response",
        type: "string",
        default: "",
        required: true,
        displayOptions: shownFor("storeCached"),
      },
      {
        displayName: "User",
        name: "user",
        type: "string",
        default: "",
        description: "Whom the call is for. Empty: the key's own user.",
      },
    ],
  };

  /** @this {import("n8n-workflow").IExecuteFunctions} */
  async execute() {
    /** @type {import("n8n-workflow").INodeExecutionData[]} */
    const results = [];
    const { baseUrl } = await this.getCredentials("marrowApi");
    for (let item = 0; item < this.getInputData().length; item += 1) {
      try {
        const get = (/** @type {string} */ name) => this.getNodeParameter(name, item);
        const { url, body, headers, toJson } = OPERATIONS[String(get("operation"))](get);
        const user = String(get("user"));
        const response = await this.helpers.httpRequestWithAuthentication.call(this, "marrowApi", {
          method: "POST",
          url: `${baseUrl}${url}`,
          headers: { ...headers, ...(user !== "" && { "x-marrow-user": user }) },
          body,
          json: true,
          returnFullResponse: true,
        });
        results.push({ json: toJson(response.body, response.headers), pairedItem: { item } });
      } catch (error) {
        if (!this.continueOnFail()) throw error;
        results.push({ json: { error: String(error.message) }, pairedItem: { item } });
      }
    }
    return [results];
  }
}

module.exports = { Marrow };
