/** Where gateways tell one another which upstreams to leave alone. Nothing here is waited for by a request but a claim. */
export interface CoolDowns {
  /** Called before each request: looks what others learned where that is due, without a wait. */
  refresh(): void;
  /** A target was benched here. */
  benched(target: string, forMs: number): void;
  /** A target is well again. */
  healed(target: string): void;
  /** Whether this process may see if a target is well: one of all at a time, until it says that it saw, or dies. */
  claim(target: string): Promise<boolean>;
  /** This process has seen whether a target is well, or will not. */
  unclaim(target: string): void;
  /** Hears what others learned: targets that are benched, and for how long yet; those that are not named are well. Answers how to end it. */
  subscribe(listener: (remainingMs: ReadonlyMap<string, number>, sinceMs: number) => void): () => void;
}

/** Cool-downs of one process alone. */
export const LOCAL_COOL_DOWNS: CoolDowns = {
  refresh() {},
  benched() {},
  healed() {},
  claim: async () => true,
  unclaim() {},
  subscribe: () => () => {},
};
