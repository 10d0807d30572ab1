import { MarrowError } from "../errors.ts";
import type { Argument, Redis, Reply, SendOptions } from "./connection.ts";

/**
 * A Lua script and the names of what it takes, in order. Made by `npm run gen` from a `.lua` file whose header is its
 * contract; never written by hand.
 */
export interface Script<Key extends string, Value extends string> {
  readonly name: string;
  readonly keys: readonly Key[];
  readonly values: readonly Value[];
  /** True when the last value may be repeated: it takes a list. */
  readonly rest: boolean;
  /** True when running it twice is the same as running it once, so a lost answer may be asked for again. */
  readonly idempotent: boolean;
  readonly sha1: string;
  readonly lua: string;
}

/** The operands of a script by name; a script whose last key or value repeats takes a list there. */
export type Operands<Name extends string> = Readonly<Record<Name, Argument | number | readonly (Argument | number)[]>>;

/** Builds the EVALSHA command of a script, for use in a pipeline. Answer `NOSCRIPT` with {@link evalCommand}. */
export function evalshaCommand<K extends string, V extends string>(
  script: Script<K, V>,
  keys: Operands<K>,
  values: Operands<V>,
): Argument[] {
  return toCommand("EVALSHA", script.sha1, script, keys, values);
}

/** The same call with the whole script text: what a server needs that does not know the script yet. */
export function evalCommand<K extends string, V extends string>(
  script: Script<K, V>,
  keys: Operands<K>,
  values: Operands<V>,
): Argument[] {
  return toCommand("EVAL", script.lua, script, keys, values);
}

/**
 * Runs a script: EVALSHA, and on `NOSCRIPT` one EVAL. One round trip; two the first time a server sees the script.
 * A restart or fail-over empties the server's script cache, so the second way is a normal one.
 */
export async function runScript<K extends string, V extends string>(
  redis: Pick<Redis, "send">,
  script: Script<K, V>,
  keys: Operands<K>,
  values: Operands<V>,
  options: SendOptions = {},
): Promise<Reply> {
  const send: SendOptions = script.idempotent ? { ...options, retry: "safe" } : options;
  try {
    return await redis.send(evalshaCommand(script, keys, values), send);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return redis.send(evalCommand(script, keys, values), send);
  }
}

/** Whether an error says that the server does not know the script. */
export function isNoScript(error: unknown): boolean {
  return MarrowError.is(error) && error.cause instanceof Error && error.cause.message.includes("NOSCRIPT");
}

function toCommand(
  verb: "EVALSHA" | "EVAL",
  body: string,
  script: Script<string, string>,
  keys: Operands<string>,
  values: Operands<string>,
): Argument[] {
  const operands: Argument[] = [verb, body, ""];
  for (const name of script.keys) push(operands, keys[name]);
  operands[2] = String(operands.length - 3);
  for (const name of script.values) push(operands, values[name]);
  return operands;
}

function push(command: Argument[], operand: Operands<string>[string] | undefined): void {
  if (operand === undefined) throw new MarrowError("internal", "a script was called without one of its operands");
  if (typeof operand === "string" || operand instanceof Uint8Array) command.push(operand);
  else if (typeof operand === "number") command.push(String(operand));
  else for (const one of operand) command.push(typeof one === "number" ? String(one) : one);
}
