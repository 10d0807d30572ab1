import { placeOf } from "../internal/place.ts";
import { encodeKeyPart, keyTag } from "../redis/index.ts";

/** Which queue is meant, and in how many parts it lies. */
export interface QueueName {
  readonly name: string;
  readonly partitions: number;
}

/** Starts of a queue's keys, one for each partition, each in a slot: `{app:queue:<name>}:queue`. Tenants and jobs follow within the scripts. */
export function queueKeys(app: string, { name, partitions }: QueueName): readonly string[] {
  if (partitions === 1) return [`${keyTag({ app, scope: "queue" }, [name])}:queue`];
  return Array.from({ length: partitions }, (_, at) => `${keyTag({ app, scope: "queue" }, [name, String(at)])}:queue`);
}

/** Where a tenant's jobs are: all in one partition. */
export function queueKeyOf(app: string, queue: QueueName, scope: string): string {
  const keys = queueKeys(app, queue);
  return keys[placeOf(scope, keys.length)] as string;
}

/** A tenant as keys have it. */
export function tenantPart(scope: string): string {
  return encodeKeyPart("scope", scope);
}
