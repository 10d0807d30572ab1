import { StringDecoder } from "node:string_decoder";

/** The data of each event of a stream of server-sent events, as pieces of it arrive in any cut. */
export interface EventReader {
  /** Takes a piece and answers the data of the events that ended in it. */
  read(piece: Uint8Array): string[];
  /** The data of an event that the stream ended in, before its last line end; `undefined` without one. */
  end(): string | undefined;
}

/** Longest event that is read, in characters; a longer one is an error. */
export const EVENT_CHARS_MAX: number = 16 * 1024 * 1024;

/**
 * Reads server-sent events: LF, CRLF or CR line ends, several `data` lines in one event, comments and other fields passed
 * over, also a byte order mark at the beginning. UTF-8 characters may be cut anywhere. A line that is markup or JSON by itself is no field that
 * may be passed over: what it says would be missed, so it is an error.
 * @source https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventReader(): EventReader {
  const decoder = new StringDecoder("utf8");
  /** Pieces of a line that has not ended. No line end is in them, but the last one may end in a CR that may be half of a CRLF. */
  let open: string[] = [];
  let openChars = 0;
  let endsInCr = false;
  let data: string | undefined;
  let isFirst = true;

  function keep(piece: string): void {
    if (piece !== "") open.push(piece);
    openChars += piece.length;
    endsInCr = piece.endsWith("\r");
    if (openChars + (data?.length ?? 0) > EVENT_CHARS_MAX) throw new Error("an event of the stream is too long");
  }

  return {
    read(piece) {
      const events: string[] = [];
      let come = decoder.write(piece);
      if (isFirst && come !== "") {
        isFirst = false;
        if (come.charCodeAt(0) === 0xfeff) come = come.slice(1);
      }
      // A line that comes in many pieces is put together once, when it ends: no character is looked at again for each piece.
      if (!endsInCr && !come.includes("\n") && !come.includes("\r")) {
        keep(come);
        return events;
      }
      const text = open.length === 0 ? come : open.join("") + come;
      [open, openChars] = [[], 0];
      let start = 0;
      // One search a line: a regular expression for all three ends takes several times as long, once for each piece of each stream.
      let cr = text.indexOf("\r");
      for (let lf = text.indexOf("\n"); lf !== -1 || cr !== -1;) {
        const isCr = cr !== -1 && (lf === -1 || cr < lf);
        if (isCr && cr === text.length - 1) break;
        const end = isCr ? cr : lf;
        const line = text.slice(start, end);
        start = end + (isCr && lf === cr + 1 ? 2 : 1);
        if (isCr) cr = text.indexOf("\r", start);
        if (lf !== -1 && lf < start) lf = text.indexOf("\n", start);
        if (line === "") {
          if (data !== undefined) events.push(data);
          data = undefined;
        } else if (line.startsWith("data:")) {
          const value = line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5);
          data = data === undefined ? value : `${data}\n${value}`;
        } else if (line.charCodeAt(0) === OPEN_OBJECT || line.charCodeAt(0) === LESS_THAN)
          throw new Error("a line of the stream is no field of an event");
      }
      keep(text.slice(start));
      return events;
    },

    end() {
      const line = open.join("").replace(/\r$/, "");
      [open, openChars] = [[], 0];
      const value = line.startsWith("data:") ? line.slice(line.charCodeAt(5) === 32 ? 6 : 5) : undefined;
      const last = data !== undefined && value !== undefined ? `${data}\n${value}` : (value ?? data);
      data = undefined;
      return last;
    },
  };
}

const [OPEN_OBJECT, LESS_THAN] = [0x7b, 0x3c];

/** One event as bytes of the wire. */
export function toEvent(data: string): string {
  return `data: ${data}\n\n`;
}
