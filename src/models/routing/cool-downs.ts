/** Shares cool-downs of upstreams between gateways. Requests wait only for `claim`. */
export interface CoolDowns {
  /** Called before each request; reads the others' cool-downs in the background if due. */
  refresh(): void;
  /** Reports that a target was benched here. */
  benched(target: string, forMs: number): void;
  /** Reports that a target is healthy again. */
  healed(target: string): void;
  /** Claims the right to probe a target, which one process holds at a time until it reports the result or dies. */
  claim(target: string): Promise<boolean>;
  /** Releases the claim, after a probe or without one. */
  unclaim(target: string): void;
  /**
   * Subscribes to the others' cool-downs: benched targets with the remaining time; targets that are not included are healthy. Returns a
   * function that ends the subscription.
   */
  subscribe(listener: (remainingMs: ReadonlyMap<string, number>, sinceMs: number) => void): () => void;
}

/** Cool-downs within one process. */
export const LOCAL_COOL_DOWNS: CoolDowns = {
  refresh() {},
  benched() {},
  healed() {},
  claim: async () => true,
  unclaim() {},
  subscribe: () => () => {},
};
