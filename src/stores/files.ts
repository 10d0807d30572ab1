import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { concatInTurns } from "../internal/json-pieces.ts";
import { allOf, encodeKeyPart, type ScopedRedis } from "../redis/index.ts";
import type { ResolvedStoresOptions } from "./options.ts";
import { createShelf, type Page, type PageOptions } from "./shelf.ts";

/** Purposes of uploaded files, as in OpenAI's API. */
export const UPLOAD_PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"] as const;
/** Purposes of files; those not in `UPLOAD_PURPOSES` are made by the gateway. */
export const FILE_PURPOSES: readonly [...typeof UPLOAD_PURPOSES, "batch_output"] = [...UPLOAD_PURPOSES, "batch_output"];
export type FilePurpose = (typeof FILE_PURPOSES)[number];

/** An uploaded file. */
export interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly bytes: number;
  /** Seconds since 1970, by this process's clock. */
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  /** Id of the owner. @default no owner */
  readonly owner?: string | undefined;
}

/** Files of one scope. */
export interface Files {
  /** Stores a file. Two round trips. @throws MarrowError `too_large`, `invalid_input` */
  add(file: {
    readonly filename: string;
    readonly purpose: FilePurpose;
    readonly content: Buffer;
    /** TTL in seconds, 3,600 to 2,592,000. @default no expiry */
    readonly expiresAfterSeconds?: number | undefined;
    /** Id of the owner. @default no owner */
    readonly owner?: string | undefined;
  }): Promise<StoredFile>;
  /** @throws MarrowError `not_found` */
  get(id: string): Promise<StoredFile>;
  /** @throws MarrowError `not_found` */
  content(id: string): Promise<Buffer>;
  list(
    options?: PageOptions & {
      readonly purpose?: string | undefined;
      /** Filters the list. @default all */
      readonly where?: ((file: StoredFile) => boolean) | undefined;
    },
  ): Promise<Page<StoredFile>>;
  /** Deletes a file, also from every vector store that contains it, and returns those stores' ids. @throws MarrowError `not_found` */
  remove(id: string): Promise<readonly string[]>;
}

/** The files of a scope, as vector stores use them. */
export interface LinkedFiles extends Files {
  /** Returns which of these files still exist. One round trip. */
  present(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Records that a store has, or will have, chunks of a file. */
  link(id: string, store: string): Promise<void>;
  unlink(id: string, store: string): Promise<void>;
}

/** Bytes of a file that are read in one reply. */
const PIECE_BYTES = 524_288;

/** Opens the files of a scope; `start` begins their keys, `detach` removes a file from a store. */
export function createFiles(
  redis: ScopedRedis,
  start: string,
  { fileBytesMax, itemsMax }: ResolvedStoresOptions,
  detach: (store: string, file: string) => Promise<void>,
): LinkedFiles {
  const shelf = createShelf<StoredFile, FilePurpose>(redis, {
    prefix: `${start}:files`,
    room: itemsMax,
    labels: FILE_PURPOSES,
    labelOf: ({ purpose }) => purpose,
    weightOf: ({ bytes }) => bytes,
  });
  const linksOf = (id: string) => `${start}:file:${encodeKeyPart("id", id)}:stores`;
  const bodyOf = (id: string) => `${start}:file:${encodeKeyPart("id", id)}:body`;

  async function find(id: string): Promise<StoredFile> {
    const file = await shelf.get(checkText("file_id", id, 256, "invalid_input"));
    if (file === undefined) throw absent();
    if (!hasEnded(file)) return file;
    await drop(id);
    throw absent();
  }

  /** Takes a file away; what breaks off can be done again, for the record goes last. */
  async function drop(id: string): Promise<readonly string[]> {
    const stores = (await redis.send(["SMEMBERS", linksOf(id)])) as readonly string[];
    for (const store of stores) await detach(store, id);
    await redis.send(["UNLINK", bodyOf(id), linksOf(id)], { retry: "safe" });
    await shelf.remove(id);
    return stores;
  }

  return {
    async add({ filename, purpose, content, expiresAfterSeconds, owner }) {
      if (content.length > fileBytesMax)
        throw new MarrowError("too_large", `a file has at most ${fileBytesMax} bytes`, {
          details: { path: "file", bytes: content.length, bytesMax: fileBytesMax },
        });
      const createdAt = Math.floor(Date.now() / 1_000);
      const life =
        expiresAfterSeconds === undefined
          ? undefined
          : checkInteger("expires_after.seconds", expiresAfterSeconds, { min: 3_600, max: 2_592_000 }, "invalid_input");
      const file: StoredFile = {
        id: `file-${randomUUID().replaceAll("-", "")}`,
        filename: checkText("filename", filename, 512, "invalid_input"),
        purpose,
        bytes: content.length,
        createdAt,
        ...(life !== undefined && { expiresAt: createdAt + life }),
        ...(owner !== undefined && { owner: checkText("owner", owner, 256, "invalid_input") }),
      };
      // The body first: a record without one would be a file that cannot be read.
      const end = life === undefined ? [] : ["EX", String(life)];
      await redis.send(["SET", bodyOf(file.id), content, ...end], { retry: "safe" });
      await shelf.add(file);
      return file;
    },

    get: find,

    async content(id) {
      const { bytes } = await find(id);
      // In pieces, since a client puts a reply of several megabytes together in one go.
      const places = Array.from({ length: Math.ceil(bytes / PIECE_BYTES) }, (_, nth) => nth * PIECE_BYTES);
      const pieces = allOf(
        await redis.pipeline(
          places.map((from) => ["GETRANGE", bodyOf(id), String(from), String(from + PIECE_BYTES - 1)]),
          { reply: "bytes" },
        ),
      ) as readonly Buffer[];
      const body = await concatInTurns(pieces);
      if (body.length !== bytes) throw absent();
      return body;
    },

    async list({ purpose, where, ...options } = {}) {
      if (where !== undefined)
        return shelf.list({ ...options, label: purpose, where: (file) => !hasEnded(file) && where(file) });
      const page = await shelf.list({ ...options, label: purpose });
      return { ...page, data: page.data.filter((file) => !hasEnded(file)) };
    },

    async remove(id) {
      await find(id);
      return drop(id);
    },

    async present(ids) {
      const found = await shelf.getMany(ids);
      return new Set(found.flatMap((file) => (file === undefined || hasEnded(file) ? [] : [file.id])));
    },

    async link(id, store) {
      await redis.send(["SADD", linksOf(id), store], { retry: "safe" });
    },

    async unlink(id, store) {
      await redis.send(["SREM", linksOf(id), store], { retry: "safe" });
    },
  };
}

function hasEnded({ expiresAt }: StoredFile): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now() / 1_000;
}

function absent(): MarrowError {
  return new MarrowError("not_found", "there is no such file", { details: { path: "file_id" } });
}
