import { placeOf } from "../internal/place.ts";
import { encodeKeyPart, keyTag } from "../redis/index.ts";

/** Name and partitions of a queue. */
export interface QueueName {
  readonly name: string;
  readonly partitions: number;
}

/**
 * Returns the prefixes of a queue's keys, one for each partition, each in a slot: `{app:queue:<name>}:queue`. Scripts append tenants and
 * jobs.
 */
export function queueKeys(app: string, { name, partitions }: QueueName): readonly string[] {
  if (partitions === 1) return [`${keyTag({ app, scope: "queue" }, [name])}:queue`];
  return Array.from({ length: partitions }, (_, at) => `${keyTag({ app, scope: "queue" }, [name, String(at)])}:queue`);
}

/** Returns the prefix of the partition that holds all jobs of a tenant. */
export function queueKeyOf(app: string, queue: QueueName, scope: string): string {
  const keys = queueKeys(app, queue);
  return keys[placeOf(scope, keys.length)] as string;
}

/** Encodes a tenant for keys. */
export function tenantPart(scope: string): string {
  return encodeKeyPart("scope", scope);
}
