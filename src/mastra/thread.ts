import type { StorageThreadType } from "@mastra/core/memory";
import type { Json } from "../memory/index.ts";

/** What a thread keeps beside its messages, as the session's metadata. */
interface ThreadRecord {
  readonly title?: string | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What is kept of a thread in its session. */
export function toRecord({ title, metadata, createdAt, updatedAt }: StorageThreadType): Json {
  const record: ThreadRecord = {
    ...(title !== undefined && { title }),
    ...(metadata !== undefined && { metadata }),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
  return { mastra: JSON.parse(JSON.stringify(record)) as Json };
}

/** A session as a thread; one that others made has only its time. */
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
