import { isObject } from "../internal/fields.ts";

/** A field that a refusal calls unknown or unsupported: the field itself, neither its value nor a part of it. */
export interface RefusedField {
  /** Path of the field as the endpoint wrote it, including indexes. */
  readonly path: readonly string[];
  /** The refusal's message, empty if the refusal is in separate fields. */
  readonly words: string;
  /** Field that the request lacks beside this one, `"other"` for an unknown condition, `undefined` for none. */
  readonly unless: "store" | "stream" | "other" | undefined;
}

/** Characters read per text of a refusal, and texts per refusal, because clients may influence them. */
const TEXT_MAX = 4_096;
const TEXTS_MAX = 32;

const PATH = String.raw`[\w$-]+(?:\.[\w$-]+|\[\d+\])*`;
/** A path as written in a sentence; groups: in one of three quotes, or bare. */
const NAMED = String.raw`(?:'(${PATH})'|"(${PATH})"|${"`"}(${PATH})${"`"}|(?<![\w.\]'"${"`"}-])(${PATH}))`;
const NOUN = String.raw`(?:parameters?|fields?|arguments?|propert(?:y|ies)|options?|attributes?|inputs?|names?|keys?)`;
const UNSUPPORTED = String.raw`(?:(?:not|isn't|aren't)\s+(?:currently\s+|yet\s+)?(?:supported|permitted|allowed|recogni[sz]ed|accepted|known)|unsupported|unknown|unrecogni[sz]ed|unexpected|disallowed|forbidden|extra_forbidden|extra\s+(?:inputs|fields)\s+(?:are\s+)?not\s+(?:permitted|allowed)|only\s+allowed)`;

/** Patterns by which endpoints refuse an unknown field. The groups are those of `NAMED`; a second path, if any, leads to the first. */
const SENTENCES: readonly RegExp[] = [
  // Unknown parameter: 'a.b'; unknown field `a`; Unknown name "c" at 'a.b'; Unrecognized request argument supplied: a
  new RegExp(
    String.raw`(?:unknown|unrecogni[sz]ed|unsupported|unexpected|extra|additional|disallowed)\s+(?:(?:request|body|json|keyword|input|query)\s+)?${NOUN}(?:\s+(?:supplied|found|provided|given|received|named|in\s+request))?\s*[:=]?\s*\(?${NAMED}(?:\s+(?:at|in|of|within)\s+${NAMED})?`,
    "gi",
  ),
  // 'a' is not supported with this model; a.b: Extra inputs are not permitted; property 'a' is unsupported
  new RegExp(
    String.raw`${NAMED}(?:\s+${NOUN})?(?:\s+in\s+(?:the\s+)?(?:input|request|messages?|body))?\s*:?\s*(?:(?:is|are|was|were)\s+)?${UNSUPPORTED}(?!\s+(?:values?|types?|variants?|enum|formats?|lengths?|roles?|tokens?|characters?)\b|\s+${NOUN}\s*[:=]?\s*\(?['"${"`"}\w])`,
    "gi",
  ),
  // This model does not support the a parameter
  new RegExp(
    String.raw`(?:does\s+not|doesn't|do\s+not|cannot)\s+(?:support|accept|allow|recogni[sz]e|permit)\s+(?:the\s+)?(?:${NOUN}\s+)?${NAMED}(?=\s+${NOUN}\b|\s+(?:with|on|for|in)\b|\s*[.,;)]|\s*$)`,
    "gi",
  ),
  // Please remove the a from your message
  new RegExp(
    String.raw`(?:remove|omit|do\s+not\s+send|don't\s+send)\s+(?:the\s+)?(?:${NOUN}\s+)?${NAMED}(?=\s+${NOUN}\b|\s+(?:from|in)\b|\s*[.,;)]|\s*$)`,
    "gi",
  ),
  // Invalid parameter: a
  new RegExp(String.raw`invalid\s+${NOUN}\s*:?\s*${NAMED}\s*\.?\s*$`, "gi"),
];

/** Words before a name which mean that the refusal concerns a value, a type, an inner key, or the parent of the refused field. */
const OF_VALUE =
  /\b(?:values?|types?|lengths?|sizes?|formats?|keys?|items?|entr(?:y|ies)|elements?|contents?|empty|null|blank|nested|duplicated?|multiple|long|non-\w+|at|in|of|for|within|inside|under)(?:\s+the)?(?:\s+(?:field|parameter|property))?\s*[:=]?\s*$/i;
/** Words after a name that restrict the refusal to some values. */
const NARROWS =
  /^\s*[:(]\s*['"`]|^\s*to\s|^\W*(?:\w+\W+){0,2}?(?:over|above|below|beyond|greater|larger|longer|smaller|shorter|less|more|than|values?|of\s+type|as|keys?|characters?|tokens?)\b/i;
/** Words after a name which mean that the refusal depends on other fields. */
const CONDITION = /\b(?:when|if|unless|while|without|together|alongside|combin\w+|same\s+time|streaming|with\s+['"`])/i;
const KNOWN_CONDITION = /^\s*(?:if|when|with)\s+['"`]?(store|stream)['"`]?(?:\s+is\b|\s*$|\s*[.=])/i;

/** Finds the fields that a refusal calls unknown or unsupported, in the endpoint's own words. Pure. */
export function refusedFields(request: object, refusal: string): readonly RefusedField[] {
  const { texts, fields } = collect(refusal);
  return [...fields, ...texts.flatMap(fromSentences).filter(({ words }) => !repeats(request, words))];
}

/** Returns true if a refusal contains such words of the endpoint's own. Pure. */
export function saysOf(request: object, refusal: string, pattern: RegExp): boolean {
  return collect(refusal).texts.some((text) => {
    const words = pattern.exec(text)?.[0];
    return words !== undefined && !repeats(request, words);
  });
}

/** Returns the path of a field joined by dots, without indexes and without the tags that validators add for message types. */
export function placeOf(path: readonly string[]): string {
  return path.filter((name, at) => at === path.length - 1 || !TAG.test(name)).join(".");
}

const TAG = /^(?:\d+|body|assistant|user|tool|system|developer|text|[A-Z]\w*|.*[^\w$-].*)$/;

function fromSentences(text: string): readonly RefusedField[] {
  return SENTENCES.flatMap((sentence) =>
    [...text.matchAll(sentence)].flatMap((match): RefusedField[] => {
      const [words, ...groups] = match;
      const [named, within] = groups.filter((group) => group !== undefined);
      if (named === undefined || OF_VALUE.test(text.slice(Math.max(0, match.index - 64), match.index))) return [];
      const [rest = ""] = text.slice(match.index + words.length).split(/\.(?:\s|$)|;/, 1);
      if (NARROWS.test(rest)) return [];
      const before = isPath(groups, within) ? toNames(within ?? "") : [];
      const names = [named, ...(PLURAL.test(words) ? furtherNames(rest) : [])];
      return names.map((name) => ({ path: [...before, ...toNames(name)], words, unless: conditionOf(words, rest) }));
    }),
  );
}

const PLURAL = /\b(?:parameters|fields|arguments|properties|options|attributes|inputs|names|keys)\b/i;
const FURTHER = new RegExp(String.raw`(?:\s*,\s*(?:and\s+)?|\s+and\s+)${NAMED}(?=\s*(?:[,.;)]|and\b|$))`, "iy");

/** Returns the further names in a list of refused fields. */
function furtherNames(rest: string): readonly string[] {
  const names: string[] = [];
  FURTHER.lastIndex = 0;
  for (let found = FURTHER.exec(rest); found !== null; found = FURTHER.exec(rest)) {
    const named = found.slice(1).find((group) => group !== undefined);
    if (named !== undefined) names.push(named);
  }
  return names;
}

/** Returns true if the second name of a sentence is the parent of the first: it is quoted, while bare words continue the sentence. */
function isPath(groups: readonly (string | undefined)[], within: string | undefined): boolean {
  return within !== undefined && (groups[7] === undefined || /[.[]/.test(within));
}

function toNames(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter((name) => name !== "");
}

function conditionOf(words: string, rest: string): RefusedField["unless"] {
  const known = KNOWN_CONDITION.exec(rest)?.[1]?.toLowerCase();
  if (known !== undefined && /only\s+allowed$/i.test(words)) return known as "store" | "stream";
  return CONDITION.test(rest) || /only\s+allowed$/i.test(words) ? "other" : undefined;
}

/** Replaces each run of white space by one space. */
function toOneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** Collects the texts of a refusal, and its structured fields. The quoted request (`input`) is skipped. */
function collect(refusal: string): { readonly texts: readonly string[]; readonly fields: readonly RefusedField[] } {
  const texts: string[] = [];
  const fields: RefusedField[] = [];
  const read = (value: unknown, depth: number): void => {
    if (texts.length + fields.length >= TEXTS_MAX || depth > 6) return;
    if (typeof value === "string") {
      const inner = /^\s*[[{]/.test(value) ? parsed(value) : undefined;
      if (inner === undefined) texts.push(toOneLine(value.slice(0, TEXT_MAX)));
      else read(inner, depth + 1);
    } else if (Array.isArray(value)) for (const one of value as readonly unknown[]) read(one, depth + 1);
    else if (isObject(value)) {
      const field = toRefusedField(value);
      if (field !== undefined) fields.push(field);
      if (Array.isArray(value["loc"])) {
        texts.push(toOneLine(`${value["loc"].map(String).join(".")}: ${String(value["msg"])}`.slice(0, TEXT_MAX)));
        return;
      }
      for (const name of SPOKEN) read(value[name], depth + 1);
    }
  };
  read(refusal, 0);
  return { texts, fields };
}

/** Fields in which endpoints put messages. */
const SPOKEN = ["error", "errors", "message", "msg", "detail", "details", "metadata", "raw"] as const;

/** Reads a validator's entry (`loc`), or OpenAI's error (`param`), that calls a field unknown. */
function toRefusedField({ loc, type, msg, param, code }: Readonly<Record<string, unknown>>): RefusedField | undefined {
  const said = `${String(type)} ${String(msg)}`;
  const isUnknown = /extra_forbidden|extra (?:inputs|fields)|unexpected_keyword|unknown field/i.test(said);
  if (Array.isArray(loc) && isUnknown) {
    const path = (loc as readonly unknown[]).map(String);
    return { path: path[0] === "body" ? path.slice(1) : path, words: "", unless: undefined };
  }
  if (typeof param === "string" && /^(?:unsupported|unknown|unrecognized)_parameter$/.test(String(code)))
    return { path: toNames(param), words: "", unless: undefined };
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Most levels of a request that are searched; deeper values count as found. */
const DEPTH_MAX = 64;

/** Returns true if a request contains these words in a text or name: an endpoint that quotes them says nothing itself. */
function repeats(request: object, words: string): boolean {
  const says = (value: unknown, depth: number): boolean => {
    if (depth > DEPTH_MAX) return true;
    if (typeof value === "string") return toOneLine(value).includes(words);
    if (Array.isArray(value)) return (value as readonly unknown[]).some((one) => says(one, depth + 1));
    if (!isObject(value)) return false;
    return Object.entries(value).some(([name, one]) => says(name, depth + 1) || says(one, depth + 1));
  };
  return says(request, 0);
}
