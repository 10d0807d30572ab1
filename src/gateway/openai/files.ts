import multipart, { type MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { checkOneOf } from "../../internal/check.ts";
import { concatInTurns } from "../../internal/json-pieces.ts";
import { FILE_PURPOSES, UPLOAD_PURPOSES, type StoredFile, type Stores } from "../../stores/index.ts";
import type { FormRoom } from "../http/form-room.ts";
import { reachOf } from "../tenancy/asker.ts";
import { mayChange, mayReadFile, refuseChange, type Reach } from "../tenancy/ownership.ts";
import { pageQuery, toListBody, toPageOptions } from "./pages.ts";
import { chunksOf } from "./chunk-bytes.ts";
import type { GatewayApp } from "../parts.ts";

const listQuery = pageQuery.extend({ purpose: z.enum(FILE_PURPOSES).optional() });

/** Time that a file without expiry stays booked. */
const BOOKED_MS = 366 * 86_400_000;

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/files`: upload (multipart), list, retrieve, content, delete. */
export function registerFiles(
  { app, stores, storedBytes }: GatewayApp,
  { fileBytesMax, room }: { readonly fileBytesMax: number; readonly room: FormRoom },
): void {
  app.register(async (uploads) => {
    room.bound(uploads);
    await uploads.register(multipart, {
      limits: {
        fileSize: fileBytesMax,
        files: 1,
        fields: 8,
        parts: 9,
        headerPairs: 16,
        fieldNameSize: 100,
        fieldSize: 4_096,
      },
    });
    uploads.post("/v1/files", { bodyLimit: fileBytesMax + 65_536 }, async (request) => {
      if (!request.isMultipart()) throw new MarrowError("invalid_input", "the body must be multipart/form-data");
      const { fields, file } = await readParts(request, fileBytesMax);
      if (file === undefined)
        throw new MarrowError("invalid_input", "file must be given", { details: { path: "file" } });
      const life = fields.get("expires_after[seconds]");
      const purpose = checkOneOf("purpose", fields.get("purpose"), UPLOAD_PURPOSES, "invalid_input");
      const expiresAfterSeconds = life === undefined ? undefined : Number(life);
      const { only: owner } = reachOf(request);
      const files = stores(request.principal.scope).files;
      const { scope } = request.principal;
      const lifeMs = expiresAfterSeconds === undefined ? BOOKED_MS : Math.max(1, expiresAfterSeconds * 1_000 || 1);
      const reserved = await storedBytes.reserve(scope, file.content.length);
      try {
        const added = await files.add({ ...file, purpose, expiresAfterSeconds, owner });
        await reserved.keepAs([{ thing: `file:${added.id}`, bytes: file.content.length }], lifeMs);
        return toFileBody(added);
      } finally {
        await reserved.release();
      }
    });
  });

  /** A file that the asker may read. @throws MarrowError `not_found` */
  async function find(request: FastifyRequest<Named>): Promise<StoredFile> {
    return readableFile(stores(request.principal.scope), reachOf(request), request.params.id);
  }

  app.get("/v1/files", { schema: { querystring: listQuery } }, async (request) => {
    const { purpose } = request.query as { purpose?: string };
    const reach = reachOf(request);
    const where = reach.only === undefined ? undefined : (file: StoredFile) => mayReadFile(reach, file);
    const page = await stores(request.principal.scope).files.list({ ...toPageOptions(request.query), purpose, where });
    return toListBody(page, toFileBody);
  });

  app.get<Named>("/v1/files/:id", async (request) => toFileBody(await find(request)));

  app.get<Named>("/v1/files/:id/content", async (request, reply) => {
    await find(request);
    const content = await stores(request.principal.scope).files.content(request.params.id);
    return reply.header("content-type", "application/octet-stream").send(content);
  });

  app.delete<Named>("/v1/files/:id", async (request) => {
    if (!mayChange(reachOf(request), (await find(request)).owner)) refuseChange();
    const { scope } = request.principal;
    const held = await stores(scope).files.remove(request.params.id);
    for (const store of held) await storedBytes.release(scope, chunksOf(store, request.params.id));
    return { id: request.params.id, object: "file", deleted: true };
  });
}

/** Returns a file that the caller may read. @throws MarrowError `not_found` also for another user's */
export async function readableFile(stores: Stores, reach: Reach, id: string): Promise<StoredFile> {
  const file = await stores.files.get(id);
  if (!mayReadFile(reach, file))
    throw new MarrowError("not_found", "there is no such file", { details: { path: "file_id" } });
  return file;
}

interface Parts {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: { readonly filename: string; readonly content: Buffer } | undefined;
}

/** Reads an upload. @throws MarrowError `too_large`, `invalid_input` for a body that is cut short, has no boundary, or too many parts */
async function readParts(request: FastifyRequest, bytesMax: number): Promise<Parts> {
  const fields = new Map<string, string>();
  let file: Parts["file"];
  try {
    for await (const part of request.parts()) {
      const { type, fieldname: path } = part;
      if (fields.has(path) || (type === "file" && file !== undefined)) throw wrongPart(path, "must be given once");
      // Nothing would decode it: the file would be stored in its encoding.
      if (!UNCHANGED.has(part.encoding))
        throw wrongPart(path, "must have no content-transfer-encoding other than 7bit, 8bit and binary");
      if (type === "file") {
        if (path !== "file") throw wrongPart(path, "must be a text, not a file");
        const filename = checkFilename(part.filename);
        file = { filename, content: await readFile(part.file, bytesMax) };
      } else fields.set(path, String(part.value));
    }
    return { fields, file };
  } catch (cause) {
    if (MarrowError.is(cause)) throw cause;
    if ((cause as { code?: string }).code === "FST_REQ_FILE_TOO_LARGE") throw tooLarge(bytesMax, cause);
    // Any other error of the parser concerns the received bytes.
    throw new MarrowError("invalid_input", "the multipart body is malformed or incomplete", { cause });
  }
}

/** Transfer encodings that change no byte. */
const UNCHANGED: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

/** A name is what stands in quotation marks as UTF-8: nothing in it is decoded. Returns it. @throws MarrowError `invalid_input` */
function checkFilename(name: string): string {
  if (name.includes(REPLACEMENT)) throw wrongPart("file", "must have a file name in UTF-8");
  return name;
}

/** Stands for bytes that are no UTF-8. */
const REPLACEMENT = "\uFFFD";

function wrongPart(path: string, why: string): MarrowError {
  const details = { path: path.slice(0, FIELD_CHARS_MAX) };
  return new MarrowError("invalid_input", `${details.path} ${why}`, { details });
}

/** Characters of a field's name that an error repeats. */
const FIELD_CHARS_MAX = 100;

/** Reads a file to its end; its pieces are put together in turns of the event loop. @throws MarrowError `too_large` */
async function readFile(file: MultipartFile["file"], bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of file) pieces.push(piece as Buffer);
  if (file.truncated) throw tooLarge(bytesMax);
  return concatInTurns(pieces);
}

function tooLarge(bytesMax: number, cause?: unknown): MarrowError {
  return new MarrowError("too_large", `a file has at most ${bytesMax} bytes`, {
    cause,
    details: { path: "file", bytesMax },
  });
}

function toFileBody({ id, filename, purpose, bytes, createdAt, expiresAt }: StoredFile) {
  const end = expiresAt === undefined ? {} : { expires_at: expiresAt };
  return { id, object: "file", bytes, created_at: createdAt, ...end, filename, purpose, status: "processed" };
}
