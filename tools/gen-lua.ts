/**
 * Writes `src/<room>/scripts.gen.ts` from `src/<room>/scripts/*.lua`. A script's header is its contract:
 *
 *   -- One sentence that says what it does.
 *   -- KEYS name     what it is            (one line an operand; `name...` as the last one takes a list)
 *   -- ARGV name     what it is, with unit
 *   -- REPLY         what it answers
 *   -- SHAPE         the same as src/redis/shape.ts reads it: [integer, (text, text)...] | nil
 *   -- IDEMPOTENT    why running it twice is the same as once   (only where that is so)
 *
 * and its first lines of code are one `local name = KEYS[n]` or `ARGV[n]` for each operand, in order. A line `-- INCLUDE name` is replaced
 * by `scripts/lib/name.lua`: what several scripts of a room do in the same way; `room/name` is that of another room. Functions that are
 * not called are left out.
 * `npm run gen` writes, `npm run gen:check` fails when a written file is not what the scripts say.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { shapeOf } from "../src/redis/shape.ts";

interface Contract {
  readonly summary: string;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  readonly rest: boolean;
  readonly idempotent: boolean;
  readonly shape: string;
}

const check = process.argv.includes("--check");
let stale = 0;
for (const directory of globSync("src/*/scripts")) {
  const target = join(directory, "..", "scripts.gen.ts");
  const text = generate(directory);
  if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
  if (check) {
    stale += 1;
    console.error(`${target} is not what the scripts say: run npm run gen`);
  } else {
    writeFileSync(target, text);
    console.log(`wrote ${target}`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

function generate(directory: string): string {
  const scripts = readdirSync(directory)
    .filter((file) => file.endsWith(".lua"))
    .toSorted()
    .map((file) => describeScript(join(directory, file)));
  return [
    "// Written by `npm run gen` from scripts/*.lua. Do not edit.",
    'import type { Script } from "../redis/index.ts";',
    ...scripts,
  ]
    .join("\n\n")
    .concat("\n");
}

function describeScript(path: string): string {
  const source = readFileSync(path, "utf8");
  const contract = readContract(path, source);
  checkOperands(path, source, contract);
  const lua = strip(withoutUnused(withIncludes(path, source)));
  const name = basename(path, ".lua");
  const union = (names: readonly string[]) =>
    names.length === 0 ? "never" : names.map((one) => `"${one}"`).join(" | ");
  return [
    `/** ${contract.summary} */`,
    `export const ${camel(name)}: Script<${union(contract.keys)}, ${union(contract.values)}> = {`,
    `  name: "${name}",`,
    `  keys: ${JSON.stringify(contract.keys)},`,
    `  values: ${JSON.stringify(contract.values)},`,
    `  rest: ${contract.rest},`,
    `  idempotent: ${contract.idempotent},`,
    `  shape: ${JSON.stringify(contract.shape)},`,
    `  sha1: "${createHash("sha1").update(lua).digest("hex")}",`,
    `  lua: ${JSON.stringify(lua)},`,
    "};",
  ].join("\n");
}

function readContract(path: string, source: string): Contract {
  const header = source
    .split("\n")
    .filter((_, at, lines) => lines.slice(0, at + 1).every((one) => one.startsWith("--")));
  const operands = (kind: string) => header.flatMap((line) => new RegExp(`^-- ${kind} +(\\S+) `).exec(line)?.[1] ?? []);
  const summary = /^-- ([A-Z].*\.)$/.exec(header[0] ?? "")?.[1];
  if (summary === undefined) throw new Error(`${path}: the first line must be one sentence`);
  if (!header.some((line) => line.startsWith("-- REPLY "))) throw new Error(`${path}: the header names no REPLY`);
  const shapes = header.flatMap((line) => /^-- SHAPE +(\S.*)$/.exec(line)?.[1] ?? []);
  const [shape] = shapes;
  if (shape === undefined || shapes.length > 1) throw new Error(`${path}: the header must name one SHAPE of its reply`);
  shapeOf(shape);
  const [keys, values] = [operands("KEYS"), operands("ARGV")];
  const bare = (names: readonly string[]) => names.map((name) => name.replace("...", ""));
  return {
    summary,
    keys: bare(keys),
    values: bare(values),
    rest: values.at(-1)?.endsWith("...") === true,
    idempotent: header.some((line) => line.startsWith("-- IDEMPOTENT ")),
    shape,
  };
}

function checkOperands(path: string, source: string, { keys, values }: Contract): void {
  const repeated = new Set([...source.matchAll(/^-- (?:KEYS|ARGV) +(\S+)\.\.\. /gm)].map((match) => match[1]));
  const expected = [
    ...keys.flatMap((name, at) => (repeated.has(name) ? [] : [`local ${name} = KEYS[${at + 1}]`])),
    ...values.flatMap((name, at) => (repeated.has(name) ? [] : [`local ${name} = ARGV[${at + 1}]`])),
  ];
  const code = source.split("\n").filter((line) => line !== "" && !line.startsWith("--"));
  expected.forEach((line, at) => {
    if (code[at] !== line && !(code[at] ?? "").startsWith(line.replace("= ARGV", "= tonumber(ARGV"))) {
      throw new Error(`${path}: line ${at + 1} of the code must be "${line}" (or its tonumber), got "${code[at]}"`);
    }
  });
}

/** Puts each included piece in its place, once. */
function withIncludes(path: string, source: string, seen = new Set<string>()): string {
  return source.replaceAll(/^ *-- INCLUDE (?:(\w+)\/)?(\w+)$/gm, (_, room: string | undefined, name: string) => {
    const scripts = room === undefined ? dirname(path) : join("src", room, "scripts");
    const file = join(scripts, "lib", `${name}.lua`);
    if (seen.has(file)) return "";
    seen.add(file);
    return withIncludes(path, readFileSync(file, "utf8"), seen);
  });
}

/** Leaves out the functions that a script does not call: each costs it at every run. */
function withoutUnused(source: string): string {
  const left = source.replaceAll(/^local function (\w+)\(.*?^end$/gms, (whole, name: string) =>
    [...source.matchAll(new RegExp(`\\b${name}\\(`, "g"))].length === 1 ? "" : whole,
  );
  return left === source ? source : withoutUnused(left);
}

function strip(source: string): string {
  return foldConstants(
    source
      .split("\n")
      .map((line) => line.replace(/^\s*--.*$/, "").trim())
      .filter(Boolean)
      .join("\n"),
  );
}

/** Puts `local NAME = <number or string>` in the place of its uses: a name that functions share costs each of them at every run. */
function foldConstants(lua: string): string {
  const constants = new Map<string, string>();
  const rest = lua.replaceAll(/^local ([A-Z][A-Z_]+) = (\d+|"[^"]*")\n/gm, (_, name: string, value: string) => {
    constants.set(name, value);
    return "";
  });
  return rest.replaceAll(/"[^"]*"|\b[A-Z][A-Z_]+\b/g, (word) => constants.get(word) ?? word);
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
