export { hashEmbedder } from "../embedders/index.ts";
export { losing } from "./losing.ts";
export { startScriptedModel, type ScriptedAnswer, type ScriptedModel, type ScriptedRequest } from "./scripted-model.ts";
