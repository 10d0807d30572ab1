import { encodeKeyPart, keyTag } from "../redis/index.ts";

/** Start of a queue's keys, all in one slot: `{app:queue:<name>}:queue`. Tenants and jobs follow within the scripts. */
export function queueKey(app: string, name: string): string {
  return `${keyTag({ app, scope: "queue" }, [name])}:queue`;
}

/** A tenant as keys have it. */
export function tenantPart(scope: string): string {
  return encodeKeyPart("scope", scope);
}
