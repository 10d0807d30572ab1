export { MarrowChatStore, type MarrowChatStoreParams } from "./chat-store.ts";
export { MarrowVectorStore, type MarrowVectorStoreParams } from "./vector-store.ts";
