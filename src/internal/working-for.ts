import { AsyncLocalStorage } from "node:async_hooks";

/** For whom some work goes on. */
export interface Beneficiary {
  /** Such as a scope. What many share, such as the turns of the event loop, they share by it. */
  readonly owner: string;
}

const current = new AsyncLocalStorage<Beneficiary>();

/** Runs work for somebody. What it awaits belongs to it, too; handlers of events do not. */
export function workFor<T>(whom: Beneficiary, work: () => T): T {
  return current.run(whom, work);
}

/** For whom the work that calls this goes on; `undefined` for the process' own work, and where nobody was named. */
export function workingFor(): Beneficiary | undefined {
  return current.getStore();
}
