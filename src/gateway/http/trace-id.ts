/** Returns the trace id of a `traceparent` (W3C, version 00); `undefined` for any other value. Pure. */
export function traceIdOf(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== "string") return undefined;
  const [, id] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(header) ?? [];
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}
