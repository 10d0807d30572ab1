export type { ChatChoice, ChatChunk, ChatCompletion, ChatMessage, ChatRequest, Usage } from "./chat.ts";
export { DEMO_MODEL_ID, demoModel, type DemoModelOptions } from "./demo.ts";
export type { ChatModel, ModelAnswer, ModelCall, ModelInfo, ForwardedAnswer, StreamPart } from "./model.ts";
export type { EndpointOptions, LaneGate } from "./endpoint.ts";
export { openaiModel, type OpenaiModelOptions } from "./openai-compatible.ts";
export { createPrices, type Price, type Prices } from "./prices.ts";
export { routeModels } from "./router.ts";
export { createEventReader, EVENT_CHARS_MAX, toEvent, type EventReader } from "./sse.ts";
