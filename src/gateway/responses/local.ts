import { sizeOf } from "../../internal/json-pieces.ts";
import { withStrings } from "../../internal/long-text.ts";
import type { KeptResponse } from "./shape.ts";

/** Responses that one connection may continue, besides the stored ones. */
export interface LocalResponses {
  readonly find: (id: string) => KeptResponse | undefined;
  keep(kept: KeptResponse): void;
  forget(id: string): void;
}

/** Responses of one connection, and characters of them, by estimate; the oldest go first. */
const RESPONSES_MAX = 256;
const CHARS_MAX = 16 * 1_048_576;

/** Makes the responses of one connection. */
export function createLocalResponses(): LocalResponses {
  const kept = new Map<string, { readonly one: KeptResponse; readonly chars: number }>();
  let chars = 0;

  function forget(id: string): void {
    chars -= kept.get(id)?.chars ?? 0;
    kept.delete(id);
  }

  return {
    find: (id) => withStrings(kept.get(id)?.one),
    keep(one) {
      const size = sizeOf(one);
      kept.set(one.response.id, { one, chars: size });
      chars += size;
      for (const id of kept.keys()) {
        if (kept.size <= RESPONSES_MAX && chars <= CHARS_MAX) break;
        forget(id);
      }
    },
    forget,
  };
}
