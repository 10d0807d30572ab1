import { StringDecoder } from "node:string_decoder";

/** The data of each event of a stream of server-sent events, as pieces of it arrive in any cut. */
export interface EventReader {
  /** Takes a piece and answers the data of the events that ended in it. */
  read(piece: Uint8Array): string[];
}

/** Longest event that is read, in characters; a longer one is an error. */
export const EVENT_CHARS_MAX: number = 16 * 1024 * 1024;

/**
 * Reads server-sent events: LF, CRLF or CR line ends, several `data` lines in one event, comments and other fields passed
 * over. UTF-8 characters may be cut anywhere.
 * @source https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventReader(): EventReader {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let data: string | undefined;

  return {
    read(piece) {
      const events: string[] = [];
      const text = rest + decoder.write(piece);
      let start = 0;
      for (;;) {
        const end = lineEnd(text, start);
        if (end === undefined) break;
        const [line, next] = end;
        start = next;
        if (line === "") {
          if (data !== undefined) events.push(data);
          data = undefined;
        } else if (line.startsWith("data:")) {
          const value = line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5);
          data = data === undefined ? value : `${data}\n${value}`;
        }
      }
      rest = text.slice(start);
      if (rest.length + (data?.length ?? 0) > EVENT_CHARS_MAX) throw new Error("an event of the stream is too long");
      return events;
    },
  };
}

/** The line from `start` and where the next one begins; `undefined` while its end has not come. */
function lineEnd(text: string, start: number): [line: string, next: number] | undefined {
  const lf = text.indexOf("\n", start);
  const cr = text.indexOf("\r", start);
  if (cr === -1 || (lf !== -1 && lf < cr)) return lf === -1 ? undefined : [text.slice(start, lf), lf + 1];
  // A CR at the very end may be the first half of CRLF.
  if (cr === text.length - 1) return undefined;
  return [text.slice(start, cr), text[cr + 1] === "\n" ? cr + 2 : cr + 1];
}

/** One event as bytes of the wire. */
export function toEvent(data: string): string {
  return `data: ${data}\n\n`;
}
