import type { VectorDriver } from "./driver.ts";

/**
 * Returns a driver that is created at its first use, because creating it needs a round trip. A failed creation is retried at the next use.
 * Calls `onUse` at every later use.
 */
export function laterDriver(make: () => Promise<VectorDriver>, onUse: () => void = () => {}): VectorDriver {
  let made: Promise<VectorDriver> | undefined;
  function driver(): Promise<VectorDriver> {
    if (made !== undefined) {
      onUse();
      return made;
    }
    const making = make();
    made = making;
    making.catch(() => (made = undefined));
    return making;
  }
  return {
    upsert: async (...args) => (await driver()).upsert(...args),
    put: async (...args) => (await driver()).put(...args),
    replace: async (...args) => (await driver()).replace(...args),
    search: async (...args) => (await driver()).search(...args),
    inScript: async (...args) => (await driver()).inScript?.(...args),
    refusedInScript: () => void made?.then((one) => one.refusedInScript?.()),
    searchWords: async (...args) => (await driver()).searchWords(...args),
    read: async (...args) => (await driver()).read(...args),
    delete: async (...args) => (await driver()).delete(...args),
    page: async (...args) => (await driver()).page(...args),
    size: async (...args) => (await driver()).size(...args),
    drop: async (...args) => (await driver()).drop(...args),
  };
}
