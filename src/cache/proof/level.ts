/** How much a proof may take for granted. `docs/roles/cache.md` names what each level loosens, and what that costs. */
export type Level = "strict" | "balanced" | "aggressive";
