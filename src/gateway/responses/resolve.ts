import { MarrowError } from "../../errors.ts";
import { wordOf } from "../../internal/describe.ts";
import { cannotServe } from "../../redis/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import { findItem } from "../openai/conversation-items.ts";
import type { GatewayApp } from "../parts.ts";
import { readFilePart } from "./file-parts.ts";
import { fromItemId, toItemId } from "./input.ts";
import { conversationOf, type ResponseRequest } from "./request.ts";
import type { Fields } from "../../internal/fields.ts";
import { withStrings } from "../../internal/long-text.ts";
import { outputOf, type Item, type KeptResponse } from "./shape.ts";

/** Dependencies of resolving. */
export type ResolveParts = Pick<GatewayApp, "tenants" | "stores">;

/** Returns unstored responses of one WebSocket. */
export type Known = (id: string) => KeptResponse | undefined;

/** Responses that the references of one request may lie in. */
const REFERRED_MAX = 100;
/** Bytes of files that one request may name. */
const FILE_BYTES_MAX = 32 * 1_048_576;

/**
 * Replaces references by the items of responses and conversations that the asker may read. Reasoning that a client sends back without its
 * encrypted content gets it from the newest {@link REFERRED_MAX} of its responses that still exist.
 * @throws MarrowError `not_found` for an item that does not exist or belongs to another user
 */
export async function resolveReferences(
  { tenants }: ResolveParts,
  asker: Asker,
  request: ResponseRequest,
  { id, items, known }: { readonly id: string; readonly items: readonly Item[]; readonly known?: Known | undefined },
): Promise<readonly Item[]> {
  const { responses, conversations } = tenants(asker.scope);
  const found = new Map<string, Promise<KeptResponse | undefined>>();

  function responseOf(response: string): Promise<KeptResponse | undefined> {
    const local = known?.(response);
    if (local !== undefined) return Promise.resolve(local);
    const asked = found.get(response);
    if (asked !== undefined) return asked;
    if (found.size >= REFERRED_MAX)
      throw new MarrowError(
        "too_large",
        `the item references of a request may point to at most ${REFERRED_MAX} responses`,
        {
          details: { path: "input" },
        },
      );
    const kept = responses.find(response, asker).then(withStrings, (error: unknown) => {
      if (MarrowError.is(error, "not_found")) return undefined;
      throw error;
    });
    found.set(response, kept);
    return kept;
  }

  async function itemOf(reference: string): Promise<Fields | undefined> {
    const place = fromItemId(reference);
    if (place === undefined) {
      if (request.conversation == null) return undefined;
      const session = conversations.session({ user: asker.user, id: conversationOf(request.conversation) });
      return (await findItem(session, reference).catch(() => undefined))?.item;
    }
    const kept = await responseOf(place.response);
    if (kept === undefined) return undefined;
    return (place.side === "o" ? outputOf(kept) : kept.input).find((item) => item.id === reference);
  }

  const said = Array.isArray(request.input) ? (request.input as readonly Fields[]) : [];
  const thoughts = shownThoughts(said);
  const shown = new Map(
    [...new Set(thoughts.values())].slice(-REFERRED_MAX).map((one) => [one, sealedOf(one)] as const),
  );

  /** Returns the output of a response for its reasoning, which a client can do without. */
  async function sealedOf(response: string): Promise<readonly Item[]> {
    try {
      const kept = known?.(response) ?? (await responses.find(response, asker));
      return outputOf(withStrings(kept));
    } catch (error) {
      if (MarrowError.is(error, "not_found") || cannotServe(error)) return [];
      throw error;
    }
  }

  // Thousands of items that name nothing are no thousands of promises.
  if (thoughts.size === 0 && !items.some(({ type }) => type === "item_reference")) return items;
  return Promise.all(
    items.map(async (item, at) => {
      const response = thoughts.get(at);
      if (response !== undefined) {
        const real = (await shown.get(response))?.find(({ id: one }) => one === said[at]?.["id"]);
        return real === undefined ? item : { ...item, ...sealOf(real) };
      }
      if (item.type !== "item_reference") return item;
      const real = await itemOf(item.id);
      if (real === undefined)
        throw new MarrowError("not_found", `Item with id '${item.id.slice(0, 80)}' not found.`, {
          details: { path: `input.${at}.id` },
        });
      return { ...real, id: toItemId(wordOf(real["type"]), id, "i", at) } as unknown as Item;
    }),
  );
}

/** Finds reasoning items that lack their encrypted content: the response of each, by index. */
function shownThoughts(items: readonly Fields[]): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const [at, { type, id, encrypted_content: content }] of items.entries()) {
    if (type !== "reasoning" || typeof id !== "string" || (content ?? null) !== null) continue;
    const place = fromItemId(id);
    if (place?.side === "o") found.set(at, place.response);
  }
  return found;
}

function sealOf({ encrypted_content: content }: Fields): Fields {
  return content === undefined ? {} : { encrypted_content: content };
}

/** Replaces the ids of the gateway's own files in messages and tool results by their bytes. @throws MarrowError `not_found`, `too_large` */
export async function resolveFiles(
  parts: ResolveParts,
  asker: Asker,
  items: readonly Item[],
): Promise<readonly Item[]> {
  if (!items.some(hasFile)) return items;
  let bytes = 0;
  const list = async (value: unknown, path: string): Promise<unknown> => {
    if (!Array.isArray(value) || !value.some(namesFile)) return value;
    const resolved: unknown[] = [];
    for (const [at, part] of (value as readonly Fields[]).entries()) {
      if (!namesFile(part)) {
        resolved.push(part);
        continue;
      }
      const read = await readFilePart(parts, asker, part, `${path}.${at}.file_id`);
      bytes += read.bytes;
      if (bytes > FILE_BYTES_MAX)
        throw new MarrowError("too_large", `the files of a request have at most ${FILE_BYTES_MAX} bytes`, {
          details: { path: `${path}.${at}.file_id`, bytesMax: FILE_BYTES_MAX },
        });
      resolved.push(read.part);
    }
    return resolved;
  };
  return Promise.all(
    items.map(async (item, at) => {
      if (!hasFile(item)) return item;
      const [content, output] = [item["content"], item["output"]];
      const read = await Promise.all([list(content, `input.${at}.content`), list(output, `input.${at}.output`)]);
      return {
        ...item,
        ...(content !== undefined && { content: read[0] }),
        ...(output !== undefined && { output: read[1] }),
      };
    }),
  );
}

/** Adds the bytes of images to items that name a file, if the file still exists. At most 32 MiB of files. */
export async function withPictures<I extends Fields>(
  parts: ResolveParts,
  asker: Asker,
  items: readonly I[],
): Promise<readonly I[]> {
  let bytes = 0;
  const read = async (part: unknown): Promise<unknown> => {
    if (!isPictureFile(part) || bytes > FILE_BYTES_MAX) return part;
    const found = await readFilePart(parts, asker, part, "file_id").catch((error: unknown) => {
      if (MarrowError.is(error, "not_found") || MarrowError.is(error, "invalid_input")) return undefined;
      throw error;
    });
    bytes += found?.bytes ?? 0;
    return found === undefined ? part : { ...part, image_url: found.part["image_url"] };
  };
  const shown: I[] = [];
  for (const item of items) {
    const content = item["content"];
    if (!Array.isArray(content) || !content.some(isPictureFile)) {
      shown.push(item);
      continue;
    }
    const seen: unknown[] = [];
    // Sequential, because the bound counts the bytes read.
    for (const part of content) seen.push(await read(part));
    shown.push({ ...item, content: seen });
  }
  return shown;
}

/** Returns true for an image that is only named by its file id. */
function isPictureFile(part: unknown): part is Fields {
  const { type, file_id: file, image_url: url } = (part ?? {}) as Fields;
  return type === "input_image" && typeof file === "string" && typeof url !== "string";
}

function hasFile({ content, output }: Item): boolean {
  return [content, output].some((value) => Array.isArray(value) && value.some(namesFile));
}

function namesFile(part: unknown): boolean {
  const { type, file_id: file } = (part ?? {}) as Fields;
  return (type === "input_file" || type === "input_image") && typeof file === "string";
}
