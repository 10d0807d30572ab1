/** Tolerance of a proof. `docs/roles/cache.md` explains what each level permits and its cost. */
export type Level = "strict" | "balanced" | "aggressive";
