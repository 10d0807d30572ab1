export { MarrowSaver, type MarrowSaverOptions } from "./checkpointer.ts";
export { MarrowStore, type MarrowStoreOptions } from "./graph-store.ts";
