import { MarrowError } from "../../errors.ts";
import type { Asker } from "../tenancy/asker.ts";
import { mayReadFile } from "../tenancy/ownership.ts";
import type { GatewayApp } from "../parts.ts";
import type { ChatMessage } from "../../models/index.ts";
import type { Fields } from "../../internal/fields.ts";
import { LongText } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";

/** Media types by file extension. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["html", "text/html"],
  ["json", "application/json"],
  ["docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
]);

/** Returns the media type of a file by its name. */
export function mediaTypeOf(filename: string): string {
  return TYPES.get(filename.split(".").at(-1)?.toLowerCase() ?? "") ?? "application/octet-stream";
}

/** Returns the media type of an image by its first bytes; `undefined` for types that models do not support. */
export function pictureTypeOf(content: Buffer): string | undefined {
  const begins = (at: number, bytes: string) => content.toString("latin1", at, at + bytes.length) === bytes;
  if (begins(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (begins(0, "\xff\xd8\xff")) return "image/jpeg";
  if (begins(0, "GIF87a") || begins(0, "GIF89a")) return "image/gif";
  return begins(0, "RIFF") && begins(8, "WEBP") ? "image/webp" : undefined;
}

/**
 * Replaces the id of a gateway's file in a part by the file's bytes, because upstreams do not know the gateway's ids.
 * @throws MarrowError `not_found`, or `invalid_input` for an invalid image, that names the field
 */
export async function readFilePart(
  { stores }: Pick<GatewayApp, "stores">,
  asker: Asker,
  part: Fields,
  path: string,
): Promise<{ readonly part: Fields; readonly bytes: number }> {
  const { file_id: id, ...rest } = part;
  const { files } = stores(asker.scope);
  if (typeof id !== "string") throw noFile(path);
  const [file, content] = await Promise.all([files.get(id), files.content(id)]).catch((error: unknown) => {
    if (!MarrowError.is(error, "not_found")) throw error;
    throw noFile(path);
  });
  if (!mayReadFile(asker, file)) throw noFile(path);
  const seen = pictureTypeOf(content);
  const type = seen ?? mediaTypeOf(file.filename);
  if (part["type"] === "input_image" && seen === undefined)
    throw new MarrowError(
      "invalid_input",
      `${path}: must be a picture (PNG, JPEG, GIF or WebP); the file is ${type.startsWith("image/") ? "none" : type}`,
      { details: { path } },
    );
  const data = await toDataUrl(type, content);
  const read =
    part["type"] === "input_image"
      ? { ...rest, image_url: data }
      : { filename: file.filename, ...rest, file_data: data };
  return { part: read, bytes: content.length };
}

/** Bytes of base64 that are written at once: a multiple of three, so that no piece is padded but the last. */
const PIECE_BYTES = 49_152;

/** Writes bytes as a data URL: that of a large file in pieces, in slices of the event loop, and its head apart. */
async function toDataUrl(type: string, content: Buffer): Promise<string | LongText> {
  const head = `data:${type};base64,`;
  if (content.length <= PIECE_BYTES) return head + content.toString("base64");
  const slice = createTimeSlice();
  const pieces = [head];
  for (let from = 0; from < content.length; from += PIECE_BYTES) {
    pieces.push(content.toString("base64", from, from + PIECE_BYTES));
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return new LongText(pieces);
}

/** Returns true if a message of a chat names a file. */
export function namesFiles(messages: readonly ChatMessage[]): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(namesFile));
}

/**
 * Replaces the ids of the gateway's own files in a chat's messages by their bytes. Other ids are unchanged, because they may be the
 * upstream's.
 */
export async function resolveChatFiles(
  parts: Pick<GatewayApp, "stores">,
  asker: Asker,
  messages: readonly ChatMessage[],
): Promise<readonly ChatMessage[]> {
  return Promise.all(
    messages.map(async (message) => {
      if (!Array.isArray(message.content)) return message;
      const read = (message.content as readonly Fields[]).map(async (part) => {
        if (!namesFile(part)) return part;
        const { file } = part as { readonly file: Fields };
        const found = await readFilePart(parts, asker, { ...file, type: "input_file" }, "messages").catch(
          (error: unknown) => {
            if (MarrowError.is(error, "not_found")) return undefined;
            throw error;
          },
        );
        if (found === undefined) return part;
        const { type: _, ...known } = found.part;
        return { ...part, file: known };
      });
      return { ...message, content: await Promise.all(read) };
    }),
  );
}

function namesFile(part: unknown): boolean {
  const { type, file } = (part ?? {}) as { readonly type?: unknown; readonly file?: Fields | null };
  return type === "file" && typeof file?.["file_id"] === "string";
}

function noFile(path: string): MarrowError {
  return new MarrowError("not_found", `${path}: there is no file of this id`, { details: { path } });
}
