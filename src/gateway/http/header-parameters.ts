/** A parameter of a header, such as `name="model"`. */
export interface Parameter {
  /** In lower case, without the `*` and the number of an extended one. */
  readonly name: string;
  /** `undefined` for one that readers may read otherwise: an extended name, half a quotation, blanks that only some readers ignore, over 256 characters. */
  readonly value: string | undefined;
}

/** What one rule for `\` makes of a header. */
export interface Reading {
  readonly parameters: readonly Parameter[];
  /** Whether a quotation mark does not close: the text behind it goes on to the end. */
  readonly isOpen: boolean;
}

/** Parameters with a value of one header. */
const PARAMETERS_MAX = 32;
const VALUE_CHARS_MAX = 256;

const [TAB, BLANK, QUOTE, SEMICOLON, EQUALS, BACKSLASH, LAST_VISIBLE] = [9, 32, 34, 59, 61, 92, 126];
const NAME = /^([a-z]+)([*\d]*)$/i;
const TOKEN = /^[!#-:<-~]+$/;
const QUOTED = /^"([^"]*)"$/;
const QUOTED_ESCAPING = /^"((?:[^"\\]|\\.)*)"$/;

/**
 * Reads the parameters of a header's value, which follow its first `;`, twice: senders differ in whether `\` escapes within quotation marks.
 * One pass over the text for each reading. Pure. Returns `undefined` for over 32 parameters.
 */
export function readParameters(text: string): readonly [plain: Reading, escaping: Reading] | undefined {
  const plain = readOne(text, false);
  const escaping = plain === undefined ? undefined : readOne(text, true);
  return plain === undefined || escaping === undefined ? undefined : [plain, escaping];
}

/** Returns the values of the parameters with this name, or one of its extended forms. */
export function valuesOf({ parameters }: Reading, name: string): readonly (string | undefined)[] {
  return parameters.filter((one) => one.name === name).map(({ value }) => value);
}

function readOne(text: string, escapes: boolean): Reading | undefined {
  const parameters: Parameter[] = [];
  let count = 0;
  let from = -1;
  let equals = -1;
  let isQuoted = false;
  for (let at = 0; at <= text.length; at += 1) {
    const isEnd = at === text.length;
    const code = isEnd ? SEMICOLON : text.charCodeAt(at);
    if (isQuoted && !isEnd) {
      if (code === QUOTE) isQuoted = false;
      // The last character escapes nothing.
      else if (code === BACKSLASH && escapes && at + 1 < text.length) at += 1;
    } else if (code === QUOTE) isQuoted = true;
    else if (code === EQUALS && equals === -1) equals = at;
    else if (code === SEMICOLON) {
      if (from !== -1 && equals !== -1) {
        count += 1;
        if (count > PARAMETERS_MAX) return undefined;
        const one = toParameter(text, from, equals, at, escapes);
        if (one !== undefined) parameters.push(one);
      }
      from = at + 1;
      equals = -1;
    }
  }
  return { parameters, isOpen: isQuoted };
}

/** Returns the parameter from `from` to `to`, or `undefined` for one whose name no reader takes for a plain word. */
function toParameter(text: string, from: number, equals: number, to: number, escapes: boolean): Parameter | undefined {
  let [begin, end, isPlain] = [from, equals, true];
  // Some readers also ignore other blanks than these two, such as U+00A0.
  const skips = (at: number): boolean => {
    const code = text.charCodeAt(at);
    if (code > BLANK && code <= LAST_VISIBLE) return false;
    isPlain &&= code === BLANK || code === TAB;
    return true;
  };
  while (begin < end && skips(begin)) begin += 1;
  while (end > begin && skips(end - 1)) end -= 1;
  const [, name, extension] = NAME.exec(text.slice(begin, end)) ?? [];
  if (name === undefined) return undefined;
  const value = isPlain && extension === "" ? toValue(text, equals + 1, to, escapes) : undefined;
  return { name: name.toLowerCase(), value };
}

function toValue(text: string, from: number, to: number, escapes: boolean): string | undefined {
  let end = to;
  while (end > from && (text.charCodeAt(end - 1) === BLANK || text.charCodeAt(end - 1) === TAB)) end -= 1;
  if (end - from > VALUE_CHARS_MAX) return undefined;
  const value = text.slice(from, end);
  const inner = (escapes ? QUOTED_ESCAPING : QUOTED).exec(value)?.[1];
  if (inner !== undefined) return escapes ? inner.replaceAll(/\\(.)/g, "$1") : inner;
  return TOKEN.test(value) ? value : undefined;
}
