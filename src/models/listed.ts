import { isObject, isText } from "../internal/fields.ts";
import type { ModelInfo } from "./model.ts";

/** Most listed models of one endpoint; the largest routers list some hundreds. */
const MODELS_MAX = 10_000;
/** Longest id that a request can name. */
const ID_CHARS_MAX = 256;

/**
 * Reads the models in an endpoint's list: OpenAI's `{ data }`, a plain list (Together), or `{ models }` (Cohere, Ollama). Invalid entries
 * are skipped. `undefined` if there is no list. Pure.
 */
export function toInfos(
  body: unknown,
  toInfo: (listed: unknown) => ModelInfo | undefined,
): readonly ModelInfo[] | undefined {
  const { data, models } = isObject(body) ? body : {};
  const list = [body, data, models].find(Array.isArray) as readonly unknown[] | undefined;
  return list?.slice(0, MODELS_MAX).flatMap((listed) => {
    const info = toInfo(listed);
    return info === undefined || info.id === "" || info.id.length > ID_CHARS_MAX ? [] : [info];
  });
}

/** Converts a model in OpenAI's list format, with its additional fields. */
export function toOpenaiInfo(listed: unknown): ModelInfo | undefined {
  if (isText(listed)) return bareInfo(listed);
  const { id, name, owned_by: owner, created, ...rest } = isObject(listed) ? listed : {};
  const named = id ?? name;
  if (!isText(named)) return undefined;
  return { ...rest, id: named, owned_by: isText(owner) ? owner : "upstream", created: toSeconds(created) };
}

/** Makes the entry of a model with no known details. */
export function bareInfo(id: string): ModelInfo {
  return { id, owned_by: "upstream", created: 0 };
}

/** Converts a time to seconds since 1970, 0 if unknown; some endpoints write dates. */
export function toSeconds(time: unknown): number {
  const seconds = typeof time === "string" ? Date.parse(time) / 1000 : time;
  return typeof seconds === "number" && Number.isFinite(seconds) ? Math.floor(seconds) : 0;
}
