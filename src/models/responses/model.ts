import { createEndpoint, toBearer, type EndpointOptions } from "../endpoint.ts";
import { createLessons } from "../lessons.ts";
import { toOpenaiInfo } from "../listed.ts";
import type { ChatModel } from "../model.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { saysOf } from "../refusal.ts";
import { refusesField } from "../teaching.ts";
import { translatedModel, type Translation } from "../translated.ts";
import { toCompletion } from "./answer.ts";
import { toChatPath } from "./refused-field.ts";
import { ENCRYPTED, toResponsesBody } from "./request.ts";
import { readResponseEvents } from "./stream.ts";

/**
 * Calls a model through OpenAI's Responses API, or Open Responses. `baseUrl` ends in `/v1`. A field that this API cannot express is an
 * `invalid_input` that names it.
 */
export function responsesModel(options: EndpointOptions): ChatModel & { close(): Promise<void> } {
  const endpoint = createEndpoint(options, { headers: toBearer, listPath: "/models", toInfo: toOpenaiInfo });
  const lessons = createLessons<"no thoughts">();

  return translatedModel(endpoint, (secrets): Translation => ({
    path: "/responses",
    toBody(request) {
      const body = toResponsesBody(request);
      return lessons.of(request.model).length > 0 ? withoutThoughts(body) : body;
    },
    amend(body, refusal) {
      // The request has another endpoint's reasoning without a maker's name: it is retried without reasoning.
      const bare = isRefusalOfThoughts(refusal) ? withoutReasoning(body) : body;
      if (bare !== body) return { request: bare, learn: () => {} };
      // Models without reasoning refuse a request for it.
      if (!asksThoughts(body) || !/encrypted[ _]content/i.test(refusal)) return undefined;
      const isLasting = !holdsThoughts(body) && refusesThoughts(body, refusal);
      return {
        request: withoutThoughts(body),
        learn: () => isLasting && lessons.learn(String(body["model"]), "no thoughts"),
      };
    },
    fieldOf: ({ param }, body, request) => (isText(param) ? toChatPath(param, body, request) : undefined),
    toCompletion: (answer) => toCompletion(answer, secrets, Date.now()),
    openStream({ stream_options: wanted }) {
      const wantsUsage = isObject(wanted) && wanted["include_usage"] === true;
      return readResponseEvents(wantsUsage, secrets, Date.now());
    },
  }));
}

/** Returns true if an endpoint refuses reasoning because it cannot decrypt it. */
function isRefusalOfThoughts(refusal: string): boolean {
  return /invalid_encrypted_content|encrypted[ _]content\b.{0,200}\bcould not be (?:verified|decrypted|parsed)/is.test(
    refusal,
  );
}

/** Removes reasoning items from the body; returns the same object if it has none. */
function withoutReasoning(body: Fields): Fields {
  const input = body["input"] as readonly Fields[];
  const rest = input.filter(({ type }) => type !== "reasoning");
  return rest.length === input.length ? body : { ...body, input: rest };
}

function asksThoughts({ include }: Fields): boolean {
  return Array.isArray(include) && include.includes(ENCRYPTED);
}

/** Returns true if a request contains encrypted reasoning, which a refusal may concern. */
function holdsThoughts({ input }: Fields): boolean {
  return Array.isArray(input) && input.some((item) => isObject(item) && item["encrypted_content"] != null);
}

/** Returns true if a refusal says that a model provides no reasoning. */
function refusesThoughts(body: Fields, refusal: string): boolean {
  return saysOf(body, refusal, NO_THOUGHTS) || refusesField(body, refusal, ["include", "reasoning.encrypted_content"]);
}

const NO_THOUGHTS =
  /\bencrypted[ _]content['"`]?\s+is\s+(?:not\s+supported|unsupported|not\s+available)(?:\s*\.|\s*$|\s+(?:with|by|for|on)\s+(?:this|the)\s+model)/i;

function withoutThoughts({ include, ...body }: Fields): Fields {
  const rest = Array.isArray(include) ? include.filter((one) => one !== ENCRYPTED) : [];
  return rest.length === 0 ? body : { ...body, include: rest };
}
