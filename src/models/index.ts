export { readArguments, readCompletion } from "./answer-bounds.ts";
export { anthropicModel, type AnthropicModelOptions } from "./anthropic/model.ts";
export { CALL_FIELDS, CALLED_FIELDS, callsOf, createCallReader, joinedName, placedCalls } from "./calls.ts";
export { ITEMS, NATIVE_TOOL, THOUGHTS, USER_ID } from "./chat.ts";
export type { ChatChoice, ChatChunk, ChatCompletion, ChatMessage, ChatRequest, Usage } from "./chat.ts";
export { createChunkReader } from "./chunk-reader.ts";
export { cutChunk } from "./cut-chunk.ts";
export { DEMO_MODEL_ID, demoModel, type DemoModelOptions } from "./demo.ts";
export { UPSTREAM_KINDS, upstreamModel, type UpstreamKind } from "./kinds.ts";
export { MAKER } from "./known-makers.ts";
export type {
  Asker,
  ChatModel,
  ModelAnswer,
  ModelCall,
  ModelInfo,
  ForwardedAnswer,
  ModelStream,
  RoomShare,
  Served,
  StreamPart,
} from "./model.ts";
export { createRecorder, type Recorder } from "./recorder.ts";
export { createRoomTaker, type RoomTaker } from "./room.ts";
export { BESIDE_ANSWER, growthOf, type Growth } from "./growth.ts";
export { jsonBody, type ForwardedBody, type ForwardedForm } from "./forwarded-body.ts";
export type { EndpointOptions, LaneGate } from "./endpoint.ts";
export { openaiModel, type OpenaiModelOptions } from "./openai-compatible.ts";
export { fromLitellmPrices } from "./litellm-prices.ts";
export {
  checkPrice,
  createPrices,
  readPrices,
  type OnUnpriced,
  type Price,
  type PricedTokens,
  type PriceFile,
  type Prices,
} from "./prices.ts";
export { renameModels } from "./named.ts";
export { withPlaces } from "./placed.ts";
export { createPlaces, type Places, type PlacesOptions } from "./places.ts";
export {
  createRouter,
  LIST_WAIT_MS,
  isContextFull,
  withDeadline,
  type Asked,
  type CoolDowns,
  type RoutedUpstream,
  type RouteOptions,
  type Router,
  type RouteRules,
  type Standing,
} from "./routing/index.ts";
export { responsesModel } from "./responses/model.ts";
export { routeModels } from "./router.ts";
export { createEventReader, EVENT_CHARS_MAX, toEvent, type EventReader } from "./sse.ts";
