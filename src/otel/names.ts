/**
 * Attribute names: OpenTelemetry's conventions for generative AI (Development), HTTP and messaging, and Marrow's own. All are in one place,
 * because the conventions still change.
 */
export const NAMES = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  conversation: "gen_ai.conversation.id",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  tool: "gen_ai.tool.name",
  errorType: "error.type",
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  address: "server.address",
  messaging: "messaging.system",
  destination: "messaging.destination.name",
  message: "messaging.message.id",
  batch: "messaging.batch.message_count",
  database: "db.system.name",
  command: "db.operation.name",
  script: "db.stored_procedure.name",
  scope: "marrow.scope",
  requestId: "marrow.request.id",
  cache: "marrow.cache",
  tier: "marrow.tier",
  event: "marrow.event",
} as const;

/** Operations of generative AI. */
export const OPERATIONS = { chat: "chat", tool: "execute_tool" } as const;

const PROVIDERS: readonly (readonly [host: RegExp, provider: string])[] = [
  [/(?:^|\.)openai\.com$/, "openai"],
  [/\.openai\.azure\.com$/, "azure.ai.openai"],
  [/(?:^|\.)anthropic\.com$/, "anthropic"],
  [/\.googleapis\.com$/, "gcp.gen_ai"],
  [/^bedrock.*\.amazonaws\.com$/, "aws.bedrock"],
  [/(?:^|\.)mistral\.ai$/, "mistral_ai"],
  [/(?:^|\.)groq\.com$/, "groq"],
  [/(?:^|\.)deepseek\.com$/, "deepseek"],
  [/(?:^|\.)cohere\.(?:com|ai)$/, "cohere"],
  [/(?:^|\.)x\.ai$/, "x_ai"],
  [/(?:^|\.)perplexity\.ai$/, "perplexity"],
];

/** Returns the provider of a host by the conventions' names; otherwise the upstream's own name. */
export function providerOf(host: string, upstream: string | undefined): string {
  const name = host.replace(/:\d+$/, "");
  return PROVIDERS.find(([pattern]) => pattern.test(name))?.[1] ?? upstream ?? name;
}
