import { createHash } from "node:crypto";
import { parse as parseYaml, stringify } from "yaml";

/**
 * Renders the subset of Go's templates that Marrow's chart uses, as Helm does: `if`, `with`, `range`, `define`, `include`, variables, pipelines
 * and the functions below. Whatever else a template says is refused, so that a chart which passes here says nothing that was not looked at.
 */
export function createRenderer(files: Readonly<Record<string, string>>): (file: string, data: Data) => string {
  const defined = new Map<string, Block>();
  const parsed = new Map(Object.entries(files).map(([name, text]) => [name, parse(name, tokenize(text), defined)]));
  return (file, data) => {
    const block = parsed.get(file);
    if (block === undefined) throw new Error(`there is no template ${file}`);
    return run(block, { dot: data, root: data, variables: new Map(), defined });
  };
}

/** What templates are rendered with: `Values`, `Chart`, `Release`. */
export type Data = Readonly<Record<string, unknown>>;

type Token = { readonly text: string } | { readonly action: string };
type Block = readonly Node[];
type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: string }
  | { readonly kind: "set"; readonly name: string; readonly pipeline: string }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly when: string; readonly body: Block }[];
      readonly otherwise: Block;
    }
  | { readonly kind: "with" | "range"; readonly over: string; readonly body: Block };

interface Context {
  readonly dot: unknown;
  readonly root: unknown;
  readonly variables: Map<string, unknown>;
  readonly defined: ReadonlyMap<string, Block>;
}

/** Cuts a template into texts and actions; `{{-` and `-}}` take the blanks beside them away. */
function tokenize(template: string): Token[] {
  const tokens: Token[] = [];
  let trims = false;
  let at = 0;
  for (const match of template.matchAll(/\{\{(-?)([\s\S]*?)(-?)\}\}/g)) {
    let text = template.slice(at, match.index);
    if (trims) text = text.trimStart();
    if (match[1] === "-") text = text.trimEnd();
    const action = (match[2] ?? "").trim();
    tokens.push({ text });
    if (!/^\/\*[\s\S]*\*\/$/.test(action)) tokens.push({ action });
    trims = match[3] === "-";
    at = match.index + match[0].length;
  }
  const rest = template.slice(at);
  tokens.push({ text: trims ? rest.trimStart() : rest });
  return tokens;
}

function parse(file: string, tokens: Token[], defined: Map<string, Block>): Block {
  let at = 0;

  /** Reads nodes up to an `end` or `else`, which it answers. */
  function block(isTop: boolean): { readonly nodes: Block; readonly closed: string } {
    const nodes: Node[] = [];
    for (;;) {
      const token = tokens[at];
      at += 1;
      if (token === undefined) {
        if (!isTop) throw new Error(`${file}: a block is not closed`);
        return { nodes, closed: "" };
      }
      if ("text" in token) {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const { action } = token;
      const [, word = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(action) ?? [];
      if (word === "end" || word === "else") {
        if (isTop) throw new Error(`${file}: ${action} closes nothing`);
        return { nodes, closed: action };
      }
      if (word === "if") nodes.push(branches(rest));
      else if (word === "with" || word === "range") {
        const { nodes: body, closed } = block(false);
        if (closed !== "end") throw new Error(`${file}: ${word} has ${closed}, which is not known here`);
        nodes.push({ kind: word, over: rest, body });
      } else if (word === "define") {
        const { nodes: body, closed } = block(false);
        if (closed !== "end") throw new Error(`${file}: define has ${closed}`);
        defined.set(JSON.parse(rest) as string, body);
      } else {
        const [, name, pipeline] = /^(\$\w+)\s*:?=\s*([\s\S]+)$/.exec(action) ?? [];
        if (name !== undefined && pipeline !== undefined) nodes.push({ kind: "set", name, pipeline });
        else nodes.push({ kind: "print", pipeline: action });
      }
    }
  }

  function branches(first: string): Node {
    const all: { when: string; body: Block }[] = [];
    let when = first;
    for (;;) {
      const { nodes: body, closed } = block(false);
      all.push({ when, body });
      if (closed === "end") return { kind: "if", branches: all, otherwise: [] };
      const [, other] = /^else if\s+([\s\S]+)$/.exec(closed) ?? [];
      if (other === undefined) {
        const last = block(false);
        if (last.closed !== "end") throw new Error(`${file}: ${last.closed} after else`);
        return { kind: "if", branches: all, otherwise: last.nodes };
      }
      when = other;
    }
  }

  return block(true).nodes;
}

function run(block: Block, context: Context): string {
  let out = "";
  for (const node of block) {
    switch (node.kind) {
      case "text":
        out += node.text;
        break;
      case "print":
        out += shown(evaluate(node.pipeline, context));
        break;
      case "set":
        context.variables.set(node.name, evaluate(node.pipeline, context));
        break;
      case "if": {
        const taken = node.branches.find(({ when }) => isTrue(evaluate(when, context)));
        out += run(taken === undefined ? node.otherwise : taken.body, context);
        break;
      }
      case "with": {
        const dot = evaluate(node.over, context);
        if (isTrue(dot)) out += run(node.body, { ...context, dot });
        break;
      }
      case "range": {
        const list = evaluate(node.over, context);
        if (!Array.isArray(list)) throw new Error(`range over something that is no list: ${node.over}`);
        for (const dot of list) out += run(node.body, { ...context, dot });
        break;
      }
    }
  }
  return out;
}

/** Evaluates a pipeline: each part is given what the one before it came to as its last argument. */
function evaluate(pipeline: string, context: Context): unknown {
  let value: unknown;
  for (const [nth, words] of parts(pipeline).entries()) {
    const [head = "", ...rest] = words;
    const values = rest.map((word) => operand(word, context));
    if (nth > 0) values.push(value);
    value = values.length === 0 && !(head in FUNCTIONS) ? operand(head, context) : call(head, values, context);
  }
  return value;
}

/** The words of each part of a pipeline; what stands in brackets is one word. */
function parts(pipeline: string): string[][] {
  const found: string[][] = [[]];
  const words = /"(?:[^"\\]|\\.)*"|\||\(|\)|[^\s|()"]+/g;
  let depth = 0;
  let inner = "";
  for (const [word] of pipeline.matchAll(words)) {
    if (word === ")") depth -= 1;
    if (depth > 0) inner += ` ${word}`;
    else if (word === ")") found.at(-1)?.push(`(${inner})`);
    else if (word === "|") found.push([]);
    else if (word !== "(") found.at(-1)?.push(word);
    if (word === "(") {
      if (depth === 0) inner = "";
      depth += 1;
    }
  }
  if (depth !== 0) throw new Error(`brackets of ${pipeline} are not closed`);
  return found;
}

function operand(word: string, context: Context): unknown {
  if (word.startsWith("(")) return evaluate(word.slice(1, -1), context);
  if (word.startsWith('"')) return JSON.parse(word);
  if (/^-?\d+$/.test(word)) return Number(word);
  if (word === "true" || word === "false") return word === "true";
  if (word === ".") return context.dot;
  const [, start = "", path = ""] = /^(\$\w*|)((?:\.\w+)+|)$/.exec(word) ?? [];
  if (start === "" && path === "") throw new Error(`unknown word in a template: ${word}`);
  if (start.length > 1 && !context.variables.has(start)) throw new Error(`${start} was never set`);
  let value: unknown = start === "" ? context.dot : start === "$" ? context.root : context.variables.get(start);
  for (const name of path.split(".").slice(1)) {
    // Helm prints nothing for a value that is not there; a chart whose values are all declared needs none such.
    if (typeof value !== "object" || value === null || !(name in value)) throw new Error(`there is no ${word}`);
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function call(name: string, values: readonly unknown[], context: Context): unknown {
  if (name === ".Files.Get") {
    const { Files } = context.root as { readonly Files: Readonly<Record<string, string>> };
    const text = Files[String(values[0])];
    // Helm gives nothing for a file that is not there.
    if (text === undefined) throw new Error(`there is no file ${String(values[0])}`);
    return text;
  }
  if (name === "include") {
    const block = context.defined.get(String(values[0]));
    if (block === undefined) throw new Error(`there is no definition ${String(values[0])}`);
    return run(block, { ...context, dot: values[1], root: values[1], variables: new Map() });
  }
  const known = FUNCTIONS[name];
  if (known === undefined) throw new Error(`unknown function in a template: ${name}`);
  return known(...(values as never[]));
}

const FUNCTIONS: Readonly<Record<string, (...values: never[]) => unknown>> = {
  include: () => "",
  quote: (value: unknown) => JSON.stringify(shown(value)),
  default: (otherwise: unknown, value: unknown) => (isTrue(value) ? value : otherwise),
  required(message: string, value: unknown) {
    if (value === "" || value === undefined || value === null) throw new Error(message);
    return value;
  },
  printf: (format: string, ...values: unknown[]) => {
    let at = 0;
    return format.replace(/%[a-z]/g, (verb) => {
      if (verb !== "%s" && verb !== "%d") throw new Error(`printf knows no ${verb} here`);
      return shown(values[at++]);
    });
  },
  trunc: (length: number, text: string) => text.slice(0, length),
  trimSuffix: (suffix: string, text: string) => (text.endsWith(suffix) ? text.slice(0, -suffix.length) : text),
  contains: (part: string, text: string) => text.includes(part),
  not: (value: unknown) => !isTrue(value),
  and: (...values: unknown[]) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values: unknown[]) => values.find((value) => isTrue(value)) ?? values.at(-1),
  eq: (one: unknown, other: unknown) => one === other,
  ne: (one: unknown, other: unknown) => one !== other,
  gt: (one: number, other: number) => one > other,
  fail(message: string) {
    throw new Error(message);
  },
  list: (...values: unknown[]) => values,
  append: (list: readonly unknown[], value: unknown) => [...list, value],
  concat: (...lists: unknown[][]) => lists.flat(),
  uniq: (list: readonly unknown[]) => [...new Set(list)],
  int: (value: unknown) => Math.trunc(Number(value)),
  replace: (old: string, put: string, text: string) => text.replaceAll(old, put),
  regexFind: (pattern: string, text: string) => new RegExp(pattern).exec(text)?.[0] ?? "",
  regexFindAll: (pattern: string, text: string, _most: number) => text.match(new RegExp(pattern, "g")) ?? [],
  dig: (name: string, otherwise: unknown, map: Readonly<Record<string, unknown>>) => map[name] ?? otherwise,
  add: (one: number, other: number) => one + other,
  div: (one: number, other: number) => Math.trunc(one / other),
  toYaml: (value: unknown) => stringify(value, { lineWidth: 0 }).trimEnd(),
  toJson: (value: unknown) => JSON.stringify(value),
  sha256sum: (text: string) => createHash("sha256").update(text).digest("hex"),
  nindent: (width: number, text: string) => `\n${text.replace(/^/gm, " ".repeat(width))}`,
};

/** What Go's templates take for true. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`a template prints something that is no text: ${JSON.stringify(value)}`);
}

/** The documents of a rendered template. */
export function documentsOf(rendered: string): Readonly<Record<string, unknown>>[] {
  return rendered
    .split(/^---$/m)
    .map((text) => parseYaml(text) as Readonly<Record<string, unknown>> | null)
    .filter((one) => one !== null);
}
