import { dropOldest } from "../../internal/drop-oldest.ts";

/** Values by id. The last one that was added is taken first; of too many, the first one is dropped. */
export interface LastIn<T> {
  readonly size: number;
  /** Adds a value, replacing the one with its id. */
  add(id: string, value: T): void;
  remove(id: string): void;
  /** Removes and returns the last one; `undefined` if there is none. */
  take(): { readonly id: string; readonly value: T } | undefined;
  clear(): void;
}

/** Makes an empty list of at most `max` values. */
export function createLastIn<T>(max: number): LastIn<T> {
  /** In the order in which they were added. */
  const values = new Map<string, T>();
  /** The same order, with ids that are no more: a Map cannot be read from its end. */
  let order: string[] = [];

  return {
    get size() {
      return values.size;
    },
    add(id, value) {
      values.delete(id);
      values.set(id, value);
      dropOldest(values, max);
      order.push(id);
      if (order.length > 2 * max + 16) order = [...values.keys()];
    },
    remove: (id) => void values.delete(id),
    take() {
      for (let id = order.pop(); id !== undefined; id = order.pop()) {
        if (!values.has(id)) continue;
        const value = values.get(id) as T;
        values.delete(id);
        return { id, value };
      }
      return undefined;
    },
    clear() {
      values.clear();
      order = [];
    },
  };
}
