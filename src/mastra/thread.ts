import type { StorageThreadType } from "@mastra/core/memory";
import type { Json } from "../memory/index.ts";

/** A thread's own fields, stored as the session's metadata. */
interface ThreadRecord {
  readonly title?: string | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Converts a thread to its session's metadata. */
export function toRecord({ title, metadata, createdAt, updatedAt }: StorageThreadType): Json {
  const record: ThreadRecord = {
    ...(title !== undefined && { title }),
    ...(metadata !== undefined && { metadata }),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
  return { mastra: JSON.parse(JSON.stringify(record)) as Json };
}

/** Converts a session to a thread; one made by another program has only its time. */
export function toThread(resourceId: string, id: string, metadata: Json, createdAtMs: number): StorageThreadType {
  const { mastra } = (metadata ?? {}) as { readonly mastra?: ThreadRecord };
  const { title, metadata: own, createdAt = createdAtMs, updatedAt = createdAt } = mastra ?? {};
  return {
    id,
    resourceId,
    ...(title !== undefined && { title }),
    ...(own !== undefined && { metadata: own }),
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}
