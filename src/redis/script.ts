import { MarrowError } from "../errors.ts";
import type { Argument, Redis, Reply, SendOptions } from "./connection.ts";
import { lacking } from "./failure.ts";
import { nameScript } from "./signals.ts";

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

/**
 * Runs a script: EVALSHA, and on `NOSCRIPT` one EVAL. One round trip; two the first time a server sees the script.
 * A restart or fail-over empties the server's script cache, so the second way is a normal one.
 */
export function runScript<K extends string, V extends string>(
  redis: Pick<Redis, "send">,
  script: Script<K, V>,
  keys: Operands<K>,
  values: Operands<V>,
  options: SendOptions = {},
): Promise<Reply> {
  const send: SendOptions = script.idempotent ? { ...options, retry: "safe" } : options;
  const command = toCommand(script, keys, values);
  nameScript(script);
  return redis.send(command, send).catch((error: unknown) => {
    if (!isNoScript(error)) throw naming(error, script.lua);
    return redis.send(["EVAL", script.lua, ...command.slice(2)], send).catch((refused: unknown) => {
      throw naming(refused, script.lua);
    });
  });
}

/** Servers do not say which command of a script they lack: it is the one that not every server has. */
function naming(error: unknown, lua: string): unknown {
  if (!MarrowError.is(error, "unsupported") || error.details?.["command"] !== undefined) return error;
  const command = /"(V[A-Z]{3,}|FT\.[A-Z]+|XACKDEL|XDELEX)"/.exec(lua)?.[1];
  return lacking(error.cause as Error, { ...error.details, command });
}

/** Whether an error says that the server does not know the script. */
function isNoScript(error: unknown): boolean {
  return MarrowError.is(error) && error.cause instanceof Error && error.cause.message.includes("NOSCRIPT");
}

function toCommand(script: Script<string, string>, keys: Operands<string>, values: Operands<string>): Argument[] {
  const command: Argument[] = ["EVALSHA", script.sha1, ""];
  for (const name of script.keys) push(command, keys[name]);
  command[2] = String(command.length - 3);
  for (const name of script.values) push(command, values[name]);
  return command;
}

function push(command: Argument[], operand: Operands<string>[string] | undefined): void {
  if (operand === undefined) throw new MarrowError("internal", "a script was called without one of its operands");
  if (typeof operand === "string" || operand instanceof Uint8Array) command.push(operand);
  else if (typeof operand === "number") command.push(String(operand));
  else for (const one of operand) command.push(typeof one === "number" ? String(one) : one);
}
