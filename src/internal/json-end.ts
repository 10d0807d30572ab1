/** Detects the end of a JSON object that arrives in pieces. Reads each character once. */
export function createJsonEnd(): { readonly add: (piece: string) => void; readonly isWhole: () => boolean } {
  let depth = 0;
  let begun = false;
  let inText = false;
  let escaped = false;
  return {
    add(piece) {
      for (let at = 0; at < piece.length; at += 1) {
        const code = piece.charCodeAt(at);
        if (inText) {
          if (escaped) escaped = false;
          else if (code === BACKSLASH) escaped = true;
          else if (code === QUOTE) inText = false;
        } else if (code === QUOTE) inText = true;
        else if (code === OPEN_OBJECT || code === OPEN_LIST) {
          begun = true;
          depth += 1;
        } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) depth -= 1;
      }
    },
    isWhole: () => begun && depth <= 0,
  };
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [0x7b, 0x5b, 0x7d, 0x5d];
