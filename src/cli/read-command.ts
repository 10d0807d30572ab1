import { parseArgs } from "node:util";
import { MarrowError } from "../errors.ts";
import { nearestName } from "../internal/nearest-name.ts";
import { usageOf, type Act, type Command, type Given } from "./command.ts";

/** Longest part of an argument that an error quotes. */
const SHOWN_CHARS_MAX = 60;
/** An API key in a wrong place is not repeated. */
const KEY = /mrw_[\w-]+/g;

/** Builds the error for a wrong command line, with what is wrong and what is allowed. The process ends with 64. */
export function usageError(message: string, path: string): MarrowError {
  return new MarrowError("invalid_option", message, { details: { path, usage: true } });
}

/** Returns true if an error is about the command line. */
export function isUsage(error: unknown): boolean {
  return MarrowError.is(error) && error.details?.["usage"] === true;
}

/**
 * Parses a command's arguments. Pure.
 * @throws MarrowError `invalid_option` for an unknown act, flag or value, and for a missing one
 */
export function readCommand(name: string, command: Command, args: readonly string[]): Given {
  const words = [...command.acts.keys()].filter((word) => word !== "");
  const [first = ""] = args;
  const word = words.length === 0 ? "" : first;
  const act = command.acts.get(word);
  if (act === undefined) throw unknownAct(name, word, words);
  const called = `marrow ${[name, word].filter((part) => part !== "").join(" ")}`;
  const rest = words.length === 0 ? args : args.slice(1);
  const { values, positionals } = parse(called, act, rest);
  const usage = usageOf(name, word, act);
  const needed = act.takes.filter((one) => !one.startsWith("["));
  if (positionals.length < needed.length)
    throw usageError(`${called} needs ${needed[positionals.length]}: ${usage}`, needed[positionals.length] ?? "");
  if (positionals.length > act.takes.length)
    throw usageError(`${called} takes ${act.takes.length} of these, got ${positionals.length}: ${usage}`, "arguments");
  for (const [flag, { isNeeded = false, takes }] of act.flags)
    if (isNeeded && !values.has(flag)) throw usageError(`${called} needs --${flag} ${takes ?? ""}: ${usage}`, flag);
  return {
    act: word,
    positionals,
    text: (flag) => values.get(flag) ?? act.flags.get(flag)?.default,
    has: (flag) => values.has(flag),
  };
}

function parse(called: string, act: Act, args: readonly string[]) {
  const types = [...act.flags].map(([flag, { takes }]) => {
    return [flag, { type: takes === undefined ? ("boolean" as const) : ("string" as const) }] as const;
  });
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind === "option") values.set(token.name, valueOf(called, act, token));
  }
  return { values, positionals };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueOf(called: string, { flags }: Act, { name, rawName, value, inlineValue }: OptionToken): string {
  const flag = flags.get(name);
  if (flag === undefined) {
    const nearest = nearestName(name, [...flags.keys()]);
    const hint =
      flags.size === 0 ? "it takes no flags" : `it takes ${[...flags.keys()].map((one) => `--${one}`).join(", ")}`;
    throw usageError(
      `${called} has no ${show(rawName)}${nearest === undefined ? `: ${hint}` : `; did you mean --${nearest}?`}`,
      name.slice(0, SHOWN_CHARS_MAX),
    );
  }
  if (flag.takes === undefined) {
    if (value !== undefined) throw usageError(`--${name} takes no value, got ${show(value)}`, name);
    return "";
  }
  // A flag behind a flag is no value of it, unless it is written so: --name=--odd.
  const isMissing = value === undefined || (inlineValue !== true && value.startsWith("--"));
  if (isMissing) throw usageError(`--${name} needs ${flag.values?.join(" or ") ?? flag.takes} behind it`, name);
  if (value === "" && flag.takes !== "TEXT")
    throw usageError(`--${name} must not be empty: it needs ${flag.takes}`, name);
  if (flag.values !== undefined && !flag.values.includes(value))
    throw usageError(`--${name} must be one of ${flag.values.join(", ")}, got ${show(value)}`, name);
  return value;
}

function unknownAct(name: string, word: string, words: readonly string[]): MarrowError {
  const known = words.map((one) => `marrow ${name} ${one}`).join(" | ");
  if (word === "" || word.startsWith("-")) return usageError(`expected ${known}`, "act");
  const nearest = nearestName(word, words);
  const hint = nearest === undefined ? `: expected ${known}` : `; did you mean marrow ${name} ${nearest}?`;
  return usageError(`marrow ${name} has no act ${show(word)}${hint}`, "act");
}

function show(text: string | undefined): string {
  return JSON.stringify((text ?? "").replaceAll(KEY, "mrw_…").slice(0, SHOWN_CHARS_MAX));
}

/** Reads a flag as a whole number. @throws MarrowError `invalid_option` */
export function toWhole(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const number = Number(text.replaceAll("_", ""));
  if (text.trim() !== "" && Number.isInteger(number) && number >= min && number <= max) return number;
  throw usageError(`--${flag} must be a whole number from ${min} to ${max}, got ${show(text)}`, flag);
}
