import type { StorageResourceType } from "@mastra/core/storage";
import type { Places } from "./places.ts";

/** A change of a resource: fields of `metadata` are merged; absent fields stay. */
export interface ResourceChange {
  readonly workingMemory?: string;
  readonly metadata?: Record<string, unknown>;
}

/** A resource as it is stored: times as text. */
type ResourceRecord = Omit<StorageResourceType, "createdAt" | "updatedAt"> & {
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** Mastra's data about users across threads: their working memory. */
export interface Resources {
  find(id: string): Promise<StorageResourceType | undefined>;
  save(resource: StorageResourceType): Promise<StorageResourceType>;
  update(id: string, change: ResourceChange): Promise<StorageResourceType>;
}

/** Resources in places of their own. */
export function createResources(places: Places<ResourceRecord>): Resources {
  async function find(id: string): Promise<StorageResourceType | undefined> {
    const record = await places.find(id);
    return record && { ...record, createdAt: new Date(record.createdAt), updatedAt: new Date(record.updatedAt) };
  }

  async function save(resource: StorageResourceType): Promise<StorageResourceType> {
    const { createdAt, updatedAt } = resource;
    const times = { createdAt: new Date(createdAt).toISOString(), updatedAt: new Date(updatedAt).toISOString() };
    await places.put(resource.id, { ...resource, ...times });
    return resource;
  }

  async function update(id: string, { workingMemory, metadata }: ResourceChange): Promise<StorageResourceType> {
    const now = new Date();
    const present = (await find(id)) ?? { id, createdAt: now, updatedAt: now };
    const changed = { ...present, metadata: { ...present.metadata, ...metadata }, updatedAt: now };
    return save(workingMemory === undefined ? changed : { ...changed, workingMemory });
  }

  return { find, save, update };
}
