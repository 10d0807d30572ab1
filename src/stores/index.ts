export type { FileAttributes, FileFilter } from "./attributes.ts";
export type { Chunking } from "./chunking.ts";
export { FILE_PURPOSES, UPLOAD_PURPOSES, type FilePurpose, type Files, type StoredFile } from "./files.ts";
export type { StoresOptions } from "./options.ts";
export { createShelf, type Page, type PageOptions, type Shelf } from "./shelf.ts";
export type { FileBatch, FileStatus, StoreFile } from "./file-status.ts";
export type { Attachment, StoreFiles } from "./store-files.ts";
export {
  createStores,
  endOf,
  type FoundChunk,
  type Store,
  type StoreChange,
  type StoreInfo,
  type Stores,
  type StoreSearch,
} from "./stores.ts";
