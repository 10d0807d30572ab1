/** The part of RediSearch's query language (dialect 2) that the stand-in understands; anything else is a syntax error. */

/** A document as a query sees it. */
export interface Document {
  tags(name: string): readonly string[];
  isCaseSensitive(name: string): boolean;
  number(name: string): number | undefined;
  words(name: string): readonly string[];
}

/** A query that was understood. */
export interface Query {
  matches(document: Document): boolean;
  /** Whether there is a condition before the neighbours. */
  readonly filtered: boolean;
  readonly knn?:
    | {
        readonly k: number;
        readonly field: string;
        readonly alias: string;
        readonly option: "effort" | "policy" | undefined;
      }
    | undefined;
}

type Test = (document: Document) => boolean;

const KNN = /^(.*)=>\[KNN (\d+) @(\w+) \$q(?: (EF_RUNTIME \d+|HYBRID_POLICY ADHOC_BF))?(?: AS (\w+))?\]$/s;

/** Reads a query. @throws Error as a server would answer it */
export function parseQuery(text: string, kindOf: (name: string) => string | undefined): Query {
  const [, before, k, field, option, alias] = KNN.exec(text) ?? [];
  const condition = (before ?? text).trim();
  const filtered = condition !== "*";
  return {
    matches: filtered ? parseCondition(condition, kindOf) : () => true,
    filtered,
    knn:
      field === undefined
        ? undefined
        : {
            k: Number(k),
            field,
            alias: alias ?? `__${field}_score`,
            option: option === undefined ? undefined : option.startsWith("EF") ? "effort" : "policy",
          },
  };
}

function parseCondition(text: string, kindOf: (name: string) => string | undefined): Test {
  let at = 0;
  const fail = (): never => {
    throw new Error(`Syntax error at offset ${at} near ${text.slice(at, at + 8)}`);
  };
  const blank = () => {
    while (text[at] === " ") at += 1;
  };

  function any(): Test {
    const parts = [all()];
    for (blank(); text[at] === "|"; blank()) {
      at += 1;
      parts.push(all());
    }
    return (document) => parts.some((part) => part(document));
  }

  function all(): Test {
    const parts: Test[] = [];
    for (blank(); at < text.length && text[at] !== ")" && text[at] !== "|"; blank()) parts.push(one());
    return parts.length === 0 ? fail() : (document) => parts.every((part) => part(document));
  }

  function one(): Test {
    if (text[at] === "-") {
      at += 1;
      const part = one();
      return (document) => !part(document);
    }
    if (text[at] === "(") {
      at += 1;
      const part = any();
      blank();
      if (text[at] !== ")") fail();
      at += 1;
      return part;
    }
    return field();
  }

  function field(): Test {
    const match = /^@(\w+):(?:\{([^{}]*)\}|\[(\(?)(\S+) (\(?)([^\]\s]+)\]|\(([\p{L}\p{N}|]+)\))/u.exec(text.slice(at));
    if (match === null) return fail();
    const [whole, name = "", tags, openLow, low, openHigh, high, words] = match;
    const kind = kindOf(name);
    if (kind === undefined) throw new Error(`Unknown field at offset ${at} near ${name}`);
    if (tags !== undefined && kind !== "TAG") throw new Error(`Expected a TAG field at offset ${at} near ${name}`);
    if (low !== undefined && kind !== "NUMERIC")
      throw new Error(`Expected a NUMERIC field at offset ${at} near ${name}`);
    at += whole.length;
    if (tags !== undefined) {
      // Outside of letters, digits and `_` a tag must be escaped.
      if (!/^(?:[\w|]|\\.)*$/u.test(tags) || tags === "") return fail();
      const wanted = tags.split("|").map((tag) => tag.replaceAll(/\\(.)/g, "$1"));
      return (document) => {
        const fold = (tag: string) => (document.isCaseSensitive(name) ? tag : tag.toLowerCase());
        return document.tags(name).some((tag) => wanted.map(fold).includes(tag));
      };
    }
    if (words !== undefined) {
      const wanted = new Set(words.toLowerCase().split("|"));
      return (document) => document.words(name).some((word) => wanted.has(word));
    }
    const [min, max] = [toNumber(low as string), toNumber(high as string)];
    if (Number.isNaN(min) || Number.isNaN(max)) return fail();
    return (document) => {
      const value = document.number(name);
      if (value === undefined) return false;
      return (openLow === "(" ? value > min : value >= min) && (openHigh === "(" ? value < max : value <= max);
    };
  }

  const test = any();
  return at === text.length ? test : fail();
}

/** A number as RediSearch reads one. */
export function toNumber(text: string): number {
  if (/^[-+]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}
