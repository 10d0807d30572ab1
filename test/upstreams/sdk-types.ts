import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A field of an interface. */
export interface Member {
  readonly name: string;
  readonly isRequired: boolean;
  /** Its type as it is written. */
  readonly type: string;
}

/** The declarations of an official client's types. */
export interface Declarations {
  readonly interfaces: ReadonlyMap<string, readonly Member[]>;
  /** What a name stands for. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Reads the types of a module of a package, from the text of the declarations beside it. */
export function readDeclarations(module: string): Declarations {
  const path = createRequire(import.meta.url)
    .resolve(module)
    .replace(/\.js$/, ".d.ts");
  const text = readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const interfaces = new Map<string, readonly Member[]>();
  for (const [, name = "", body = ""] of text.matchAll(
    /^ *(?:export )?interface (\w+)[^{\n]*\{\n([\s\S]*?)\n *\}$/gm,
  )) {
    if (interfaces.has(name)) continue;
    const members = [...body.matchAll(/^ +(\w+)(\??): ([\s\S]*?);$/gm)].map(([, field = "", mark, type = ""]) => ({
      name: field,
      isRequired: mark === "",
      type,
    }));
    interfaces.set(name, members);
  }
  const aliases = new Map(
    [...text.matchAll(/^export type (\w+) = ([\s\S]*?);$/gm)].map(([, name = "", type = ""]) => [name, type]),
  );
  return { interfaces, aliases };
}

/** Returns the members of a union as they are written, null left out. */
export function alternatives(type: string): readonly string[] {
  const found: string[] = [];
  let [depth, one] = [0, ""];
  for (const char of type) {
    if ("<{[(".includes(char)) depth += 1;
    if (">}])".includes(char)) depth -= 1;
    if (char === "|" && depth === 0) {
      found.push(one);
      one = "";
    } else one += char;
  }
  return [...found, one].map((each) => each.trim()).filter((each) => each !== "null" && each !== "");
}
