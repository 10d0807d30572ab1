/** Keeps the best candidates by a number, at most `room` of them: a heap whose root is the worst. */
export interface Nearest {
  /** Threshold for a new candidate; `-Infinity` while there is space. */
  floor(): number;
  add(id: string, value: number): void;
  /** Best first; the smaller id first among equals. */
  best(): { readonly id: string; readonly value: number }[];
}

/** Makes an empty list. */
export function createNearest(room: number): Nearest {
  const heap: { id: string; value: number }[] = [];

  function sink(): void {
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && valueAt(child) < valueAt(least)) least = child;
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  }

  function rise(): void {
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (valueAt(parent) <= valueAt(at)) return;
      swap(at, parent);
      at = parent;
    }
  }

  const valueAt = (at: number) => (heap[at] as { value: number }).value;
  const swap = (a: number, b: number) =>
    ([heap[a], heap[b]] = [heap[b] as { id: string; value: number }, heap[a] as { id: string; value: number }]);

  return {
    floor: () => (heap.length < room ? -Infinity : valueAt(0)),
    add(id, value) {
      if (heap.length < room) {
        heap.push({ id, value });
        rise();
      } else if (value > valueAt(0)) {
        heap[0] = { id, value };
        sink();
      }
    },
    best: () => heap.toSorted((a, b) => b.value - a.value || (a.id < b.id ? -1 : 1)),
  };
}
