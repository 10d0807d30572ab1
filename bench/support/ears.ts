import { registerHooks } from "node:module";

const EARS = Symbol.for("marrow:bench:ears");

/** Makes what listens to the acts of this process reachable. Call it before anything of Marrow is imported. */
export function exposeEars(): void {
  registerHooks({
    load(url, loading, next) {
      const loaded = next(url, loading);
      if (!url.endsWith("/src/internal/signals.ts")) return loaded;
      return {
        ...loaded,
        source: `${Buffer.from(loaded.source as Uint8Array).toString()}\nglobalThis[Symbol.for("marrow:bench:ears")] = EARS;`,
      };
    },
  });
}

/** What listens to each act, which {@link exposeEars} made reachable; the gateway's own metrics are among them. */
export function earsByAct(): Record<string, unknown> {
  const found = (globalThis as unknown as Record<symbol, Record<string, unknown> | undefined>)[EARS];
  if (found === undefined) throw new Error("the module of signals was not loaded, or before its ears were exposed");
  return found;
}
