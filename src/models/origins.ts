const origins = new WeakMap<object, string>();

/** Notes where in the chat a block, item, part or tool of a converted request comes from: `messages.2.content.1`. Returns it. */
export function madeOf<T extends object>(path: string, made: T): T {
  origins.set(made, path);
  return made;
}

/** Returns that path; `undefined` for anything else. */
export function originOf(made: unknown): string | undefined {
  return typeof made === "object" && made !== null ? origins.get(made) : undefined;
}

/** What a path in a converted request leads to. */
export interface Named {
  /** The innermost object on the path whose origin is known. */
  readonly made: Readonly<Record<string, unknown>>;
  readonly origin: string;
  /** Names of the fields from there on. */
  readonly rest: readonly string[];
}

/**
 * Follows a path in a converted request. Validators put the type of an object before its fields (`content.0.tool_use.input`), so such names
 * are skipped. `undefined` if nothing on the path has a known origin. Pure.
 */
export function followed(path: readonly string[], body: object): Named | undefined {
  let value: unknown = body;
  let found: Named | undefined;
  for (const [at, name] of path.entries()) {
    if (typeof value !== "object" || value === null) break;
    const fields = value as Readonly<Record<string, unknown>>;
    if (!Object.hasOwn(fields, name) && fields["type"] === name) {
      if (found?.made === fields) found = { made: fields, origin: found.origin, rest: path.slice(at + 1) };
      continue;
    }
    value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const origin = originOf(value);
    if (origin !== undefined) found = { made: value as Named["made"], origin, rest: path.slice(at + 1) };
  }
  return found;
}

/** Fields of a chat that stand for one another, by the name that the translations use first. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["max_completion_tokens", "max_tokens"],
  ["safety_identifier", "user"],
]);

/** Returns the path of a chat's field, or of the one that the client sent in its place. Pure. */
export function asSent(path: string, request: Readonly<Record<string, unknown>>): string {
  const other = OTHERS.get(path);
  return other !== undefined && request[path] == null && request[other] != null ? other : path;
}
