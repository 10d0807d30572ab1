import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { insist } from "../internal/insist.ts";
import { concatInTurns, toBytesInTurns } from "../internal/json-pieces.ts";
import { isWords, LongText } from "../internal/long-text.ts";
import { endBeforeHalf } from "../internal/whole-character.ts";
import { cannotServe, type Reply } from "../redis/index.ts";

/** Writes an output into Redis, part by part, without a gap. */
export interface OutputWriter {
  /** Number of parts so far, written or not. */
  readonly count: number;
  /**
   * Writes a text; the pieces of a long one end between characters. The first half of a character at its end is kept for the next text, since
   * UTF-8 has no halves: a half that stays alone becomes U+FFFD.
   * @throws MarrowError `invalid_input` for a value that is not text, `too_large` for more than 8,388,608 characters; nothing of it is
   * written
   */
  readonly write: (text: string | LongText) => void;
  /** Returns a promise that resolves once at most 4,194,304 characters wait to be stored, or the writer stopped; `undefined` if that is so now. */
  room(this: void): Promise<void> | undefined;
  /**
   * Waits until every part is in Redis, or the output belongs to another writer.
   * @throws the error of a part that Redis will never accept; `unavailable` if a fail-over lost parts that are no longer in memory
   */
  settle(): Promise<void>;
  /** Checks again which parts Redis has, because a fail-over may have lost some. */
  recheck(): void;
  /** Stops writing. */
  stop(): void;
}

/** Time in which parts are combined into one write, in milliseconds. */
const WRITE_MS = 20;
/** Parts that are written in one go, and their characters: the last part may go over it. */
const PARTS_MAX = 512;
const CHARS_MAX = 4_194_304;
const PART_CHARS_MAX = 8_388_608;
/** Characters of stored parts that stay in memory, because a fail-over may lose the last ones: more than Redis takes in a second from most outputs. */
const KEPT_CHARS = 1_048_576;
/** Characters that wait to be stored, beyond which a writer should wait. */
const WAITING_CHARS_MAX = 4_194_304;

/**
 * Appends parts to an output that has `from` parts. Returns the state of the output's owner, `lost` if another writer has it, or `gap:`
 * with the number of stored parts if earlier ones are missing; in both cases nothing is appended.
 */
export type Append = (from: number, parts: readonly (string | Uint8Array)[]) => Promise<Reply>;

/** Parts as Redis takes them: a long one in bytes, because a client encodes a text in one go. */
async function toWords(parts: readonly (string | LongText)[]): Promise<readonly (string | Uint8Array)[]> {
  if (!parts.some((part) => part instanceof LongText)) return parts as readonly string[];
  const words: (string | Uint8Array)[] = [];
  for (const part of parts)
    words.push(part instanceof LongText ? await concatInTurns(await toBytesInTurns(part)) : part);
  return words;
}

/** Begins an output. `hear` gets the state at each write. */
export function createWriter(
  append: Append,
  hear: (state: string) => void,
  onError: (error: unknown) => void,
): OutputWriter {
  /** The parts from `first` on. */
  const parts: (string | LongText)[] = [];
  /** Numbers of parts: those that are no longer in memory, and those that Redis has. */
  let [first, written] = [0, 0];
  let [storedChars, waitingChars] = [0, 0];
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let roomy: PromiseWithResolvers<void> | undefined;
  /** First half of a character that the next text may complete. */
  let half = "";
  /** Error of a part that Redis will never accept. */
  let refused: { readonly error: unknown } | undefined;

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    return (writing ??= writeOut()
      .catch((error: unknown) => {
        refused = { error };
        stop();
      })
      .finally(() => (writing = undefined)));
  }

  function stop(): void {
    stopped = true;
    clearTimeout(timer);
    tellRoom();
  }

  function hasRoom(): boolean {
    return stopped || waitingChars <= WAITING_CHARS_MAX;
  }

  function tellRoom(): void {
    if (!hasRoom()) return;
    roomy?.resolve();
    roomy = undefined;
  }

  /** The next parts to write. */
  function next(): typeof parts {
    const from = written - first;
    let [end, chars] = [from, 0];
    while (end < parts.length && end - from < PARTS_MAX && chars < CHARS_MAX)
      chars += (parts[end++] as string | LongText).length;
    return parts.slice(from, end);
  }

  /** Notes that Redis has so many parts: the latest of them stay in memory. @throws MarrowError `unavailable` */
  function markWritten(count: number): void {
    if (count < first)
      throw new MarrowError("unavailable", "Redis lost parts of an output that this process has no longer");
    while (written < count) moveMark(parts[written++ - first], 1);
    while (written > count) moveMark(parts[--written - first], -1);
    let end = 0;
    while (first + end < written - 1 && storedChars > KEPT_CHARS) storedChars -= (parts[end++] as string).length;
    parts.splice(0, end);
    first += end;
    tellRoom();
  }

  function moveMark({ length } = "" as string | LongText, by: 1 | -1): void {
    storedChars += by * length;
    waitingChars -= by * length;
  }

  /** Writes all collected parts, in as many writes as needed. */
  async function writeOut(): Promise<void> {
    while (written < writer.count && !stopped) {
      let some: typeof parts = [];
      const reply = await insist(
        async () => append(written, await toWords((some = next()))),
        () => stopped,
        onError,
        cannotServe,
      );
      if (reply === undefined) return;
      const state = String(reply);
      if (state === "lost") stop();
      markWritten(state.startsWith("gap:") ? Number(state.slice(4)) : written + some.length);
      hear(state);
    }
  }

  /** The text with the half before it, and without its own. */
  function withHalf(text: string | LongText): string | LongText {
    if (text instanceof LongText) {
      const [begin = "", ...others] = text.pieces;
      const whole = half === "" ? text : new LongText([half + begin, ...others]);
      half = "";
      return whole;
    }
    const whole = half + text;
    const end = endBeforeHalf(whole, whole.length);
    half = whole.slice(end);
    return whole.slice(0, end);
  }

  function add(part: string | LongText): void {
    parts.push(part);
    writer.count += 1;
    waitingChars += part.length;
    timer ??= setTimeout(() => void flush(), WRITE_MS);
  }

  const writer = {
    count: 0,
    write(text: string | LongText): void {
      if (!isWords(text)) refuse("text", "a text", text, "invalid_input");
      if (text.length > PART_CHARS_MAX)
        refuse("text", `a text of at most ${PART_CHARS_MAX} characters`, text, "too_large");
      if (stopped) return;
      const whole = withHalf(text);
      if (whole.length > 0 || half === "") add(whole);
    },
    room: () => (hasRoom() ? undefined : (roomy ??= Promise.withResolvers()).promise),
    async settle() {
      if (half !== "") add(half);
      half = "";
      while (written < writer.count && !stopped) await flush();
      clearTimeout(timer);
      if (refused !== undefined) throw refused.error;
    },
    recheck: () => markWritten(first),
    stop,
  };
  return writer;
}
