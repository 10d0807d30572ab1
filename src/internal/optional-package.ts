import { MarrowError } from "../errors.ts";

/**
 * Loads code that needs an optional package.
 * @throws MarrowError `unsupported` if the package is not installed; the message says how to install it
 */
export async function withPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isAbsentPackage(cause, name)) throw cause;
    throw toAbsent(name, what, cause);
  }
}

/** Builds the error for a missing package. */
export function toAbsent(name: string, what: string, cause?: unknown): MarrowError {
  return new MarrowError("unsupported", `${what} needs the package ${name}: npm install ${name}`, { cause });
}

/** Returns true if an import failed because this package is not installed. */
export function isAbsentPackage(error: unknown, name: string): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" || typeof message !== "string") return false;
  return message.includes(`'${name}'`) || message.includes(`'${name}/`);
}
