import { randomBytes } from "node:crypto";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { lostError, lostResults, toMessages } from "../../flow/index.ts";
import type { Turn } from "../../memory/index.ts";
import type { ChatMessage, ChatRequest } from "../../models/index.ts";
import { isCarried, withCallsBack } from "../models/carried-calls.ts";
import { checkCarriedLength, fromEncryptedContent, wordsIn } from "../models/carried-thoughts.ts";
import { toTurn } from "../openai/items.ts";
import { metadataPairs } from "../openai/metadata.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import type { Item } from "./shape.ts";
import { toChatFields } from "./translation.ts";

const text = z.string().max(256);
/** Longest name of a user or prompt prefix in OpenAI's API. */
const handle = z.string().max(64);

/** Content and output of items are a text or a list of parts, and a part is an object. */
const anyContent = z.union([z.string(), z.array(z.looseObject({})), z.null()]).optional();
const anyItem = z.looseObject({ content: anyContent, output: z.union([anyContent, z.looseObject({})]) });

const model = z.string().min(1).max(256);
const fields = {
  input: z.union([z.string(), z.array(anyItem).max(10_000)]).nullish(),
  instructions: z.string().nullish(),
  previous_response_id: text.min(1).nullish(),
  conversation: z.union([text.min(1), z.looseObject({ id: text.min(1) })]).nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  user: text.nullish(),
  metadata: metadataPairs.nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  include: z.array(z.string().max(128)).max(32).nullish(),
  tools: z
    .array(z.looseObject({ type: text.min(1) }))
    .max(1_024)
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  text: z.looseObject({ format: z.looseObject({ type: text }).nullish() }).nullish(),
  reasoning: z.looseObject({ effort: z.string().max(32).nullish() }).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  service_tier: z.string().max(64).nullish(),
  safety_identifier: handle.nullish(),
  prompt_cache_key: handle.nullish(),
};

/** Schema of a request; `translation.ts` defines the conversion of each field. */
export const responseBody: z.ZodType<ResponseRequest> = z.looseObject({ model, ...fields });

/** The same without a model call; the model is optional. */
export const countedBody: z.ZodType<CountedRequest> = z.looseObject({ model: model.nullish(), ...fields });

/** A request to count tokens. */
export type CountedRequest = Omit<ResponseRequest, "model"> & Fields & { readonly model?: string | null | undefined };

/** A request for a response, as the client sent it. */
export interface ResponseRequest extends Fields {
  readonly model: string;
  readonly input?: string | readonly Fields[] | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly previous_response_id?: string | null | undefined;
  readonly conversation?: string | (Fields & { readonly id: string }) | null | undefined;
  readonly background?: boolean | null | undefined;
  readonly store?: boolean | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly user?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly max_output_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly parallel_tool_calls?: boolean | null | undefined;
  readonly include?: readonly string[] | null | undefined;
  readonly tools?: readonly Fields[] | null | undefined;
  readonly tool_choice?: string | Fields | null | undefined;
  readonly text?: (Fields & { readonly format?: Fields | null | undefined }) | null | undefined;
  readonly reasoning?: (Fields & { readonly effort?: string | null | undefined }) | null | undefined;
  readonly truncation?: "auto" | "disabled" | null | undefined;
}

/** Makes an id for a new response. */
export function newResponseId(): string {
  return `resp_${randomBytes(24).toString("hex")}`;
}

/**
 * Builds the chat request of a response: instructions, the history, and the new items, in order; tool results directly follow their calls.
 * Items must be resolved.
 * @throws MarrowError `invalid_input` for an unsupported field or item, and for a tool result without a call
 */
export function toChatRequest(
  request: ResponseRequest,
  history: readonly Item[],
  input: readonly Item[],
  session?: string,
): ChatRequest {
  const messages = toChatMessages(request, history, input, session);
  if (request.conversation == null && history.length === 0 && input.length === 0)
    throw new MarrowError("invalid_input", "input must be given", { details: { path: "input" } });
  return { ...toChatFields(request), model: request.model, messages };
}

/** Builds the messages of that chat request. @throws MarrowError `invalid_input` */
export function toChatMessages(
  { instructions, conversation }: ResponseRequest,
  history: readonly Item[],
  input: readonly Item[],
  session?: string,
): readonly ChatMessage[] {
  const said: Turn[] = [...history, ...input].map((item, at) => {
    const path = itemPath(at, history.length);
    if (item.type === "reasoning") checkCarriedLength(item["encrypted_content"], `${path}.encrypted_content`);
    return toTurn(item, path);
  });
  // Tool results of a conversation are checked where its history is read; a session has its own check.
  const turns = conversation == null && session === undefined ? withResultsChecked(said, history.length) : said;
  const first = instructions == null ? [] : [{ role: "system", content: instructions }];
  return [...first, ...withCallsBack(toMessages(withThoughts(turns)))];
}

/** Returns the id of a conversation, which may be a string or an object. */
export function conversationOf(conversation: NonNullable<ResponseRequest["conversation"]>): string {
  return typeof conversation === "string" ? conversation : conversation.id;
}

/** Moves reasoning that a client sends back before the text or calls it led to, as text and as encrypted content. */
function withThoughts(turns: readonly Turn[]): readonly Turn[] {
  let details: Fields[] = [];
  /** Items that contained these entries. */
  let items: Fields[] = [];
  let words: string[] = [];
  const told: Turn[] = [];
  /** Index of the assistant's current turn. */
  let speaking: number | undefined;

  /** Adds encrypted parts that follow a call in some providers' output; the assistant's turn ends there. */
  function giveLate(): void {
    const late = details.filter(isCarried);
    const at = speaking ?? -1;
    const turn = told[at];
    speaking = undefined;
    if (turn === undefined || late.length === 0) return;
    const known = (turn["reasoning_details"] ?? []) as readonly Fields[];
    told[at] = { ...turn, reasoning_details: [...known, ...late] };
  }

  for (const [at, turn] of turns.entries()) {
    if (turn.role !== "item" && turn.role !== "assistant") giveLate();
    if (turn.role === "assistant") speaking = at;
    told.push(given(turn));
  }
  giveLate();
  return told;

  function given(turn: Turn): Turn {
    const item = (turn["item"] ?? {}) as Fields;
    if (turn.role === "item") {
      if (item["type"] !== "reasoning") return turn;
      const sealed = fromEncryptedContent(item["encrypted_content"]);
      const plain = sealed && wordsIn(sealed);
      const detail = plain === undefined ? sealed : undefined;
      if (detail !== undefined) details.push(detail);
      if (detail !== undefined && !isCarried(detail)) items.push(item);
      const said = wordsOf(item);
      words.push(...(said.length === 0 && plain !== undefined ? [plain] : said));
      return turn;
    }
    const [found, of, said] = [details, items, words.join("\n\n")];
    [details, items, words] = [[], [], []];
    if (turn.role !== "assistant") return turn;
    return {
      ...turn,
      ...(of.length > 0 && { item: [...of, item] }),
      ...(said !== "" && { reasoning_content: said }),
      ...(found.length > 0 && { reasoning_details: found }),
    };
  }
}

/** Returns the reasoning text of a `reasoning` item, else its summary. */
function wordsOf({ content, summary }: Fields): readonly string[] {
  const texts = [content, summary].map((parts) =>
    Array.isArray(parts)
      ? (parts as readonly unknown[]).filter(isObject).flatMap(({ text: said }) => (isText(said) ? [said] : []))
      : [],
  );
  return texts.find((said) => said.length > 0) ?? [];
}

/** Returns the path of an item; the first `before` items are history. */
export function itemPath(at: number, before: number): string {
  return at < before ? `previous_response_id.${at}` : `input.${at - before}`;
}

/**
 * Checks that each tool result answers an earlier open call, because models refuse others. An invalid one in the history is left out, so
 * that it does not fail every later turn.
 */
function withResultsChecked(turns: readonly Turn[], before: number): readonly Turn[] {
  const lost = lostResults(turns);
  const mine = lost.find(({ at }) => at >= before);
  if (mine !== undefined) throw lostError(mine, `${itemPath(mine.at, before)}.call_id`);
  return turns.filter((_, at) => !lost.some((one) => one.at === at));
}
