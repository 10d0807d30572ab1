/** Items of one call. With more Redis would wait for the last of them before it begins with the first. */
const TOGETHER = 32;

/**
 * Combines items of one moment, the microtasks of one turn of the event loop, into calls of `put` with up to 32. No item waits for others
 * that may not come: if the moment before had one item, the first is sent at once. `put` returns results in the order of its items, an
 * error for each failed one; if it throws, all fail.
 */
export function gather<T, R>(put: (items: readonly T[]) => Promise<readonly (R | Error)[]>): (item: T) => Promise<R> {
  interface Waiting {
    readonly item: T;
    readonly resolve: (result: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let gathered: Waiting[] = [];
  /** Items of this moment; whether there was but one in the last. */
  let together = 0;
  let lone = false;

  async function putSome(some: readonly Waiting[]): Promise<void> {
    try {
      const results = await put(some.map(({ item }) => item));
      for (const [at, { resolve, reject }] of some.entries()) {
        const result = results[at] as R | Error;
        if (result instanceof Error) reject(result);
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }

  function flush(): void {
    const all = gathered;
    gathered = [];
    lone = together === 1;
    together = 0;
    for (let at = 0; at < all.length; at += TOGETHER) void putSome(all.slice(at, at + TOGETHER));
  }

  return (item) =>
    new Promise((resolve, reject) => {
      const one = { item, resolve, reject };
      together += 1;
      if (together === 1 && lone) void putSome([one]);
      else gathered.push(one);
      if (together === 1) process.nextTick(flush);
    });
}
