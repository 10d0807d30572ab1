import { MarrowError } from "../errors.ts";
import { isObject, type Fields } from "./fields.ts";

/** The field of a request that an error names. */
export interface NamedField {
  /** Its path, in dots: `messages.0.content`. */
  readonly path: string;
  /** Whether an endpoint named it, in its refusal of the request. */
  readonly isUpstreams: boolean;
  /** Returns the same error with another path; `undefined` for an endpoint's field that the client did not send. */
  readonly as: (path: string | undefined) => MarrowError;
}

/** Statuses by which an endpoint refuses a request. */
const REFUSALS: ReadonlySet<unknown> = new Set([400, 422]);

/** Returns the field that an error names: Marrow's own refusals by `path`, those of endpoints by `param`. `undefined` without one. Pure. */
export function namedField(error: unknown): NamedField | undefined {
  if (!MarrowError.is(error)) return undefined;
  const { code, message, details = {}, cause } = error;
  const again = (told: string, more: Fields) =>
    new MarrowError(code, told, { details: { ...details, ...more }, ...(cause !== undefined && { cause }) });
  const { path, error: said, status } = details;
  if (typeof path === "string")
    return {
      path,
      isUpstreams: false,
      as: (own = path) =>
        own === path
          ? error
          : again(message.startsWith(path) ? own + message.slice(path.length) : message, { path: own }),
    };
  if (code !== "model_failed" || !REFUSALS.has(status) || !isObject(said) || typeof said["param"] !== "string")
    return undefined;
  const { param, ...rest } = said;
  return {
    path: dotted(param),
    isUpstreams: true,
    as: (own) => again(message, { error: own === undefined ? rest : { ...rest, param: own } }),
  };
}

/** Returns a path in dots: endpoints write `messages[0].content` and `messages.[0].content`. */
export function dotted(path: string): string {
  return path.replaceAll(/\.?\[(\d+)\]/g, ".$1");
}
