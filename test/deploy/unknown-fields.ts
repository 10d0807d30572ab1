/**
 * Runs a validator over a value and answers the paths of fields that it never looked at: those its schema does not know. Compiled schemas of
 * Kubernetes let unknown fields pass, and a misspelt field would do nothing. A field below one that is not known is not listed.
 */
export function unknownFields(value: object, validate: (watched: object) => void): string[] {
  const seen = new Map<object, Set<string>>();
  const open = new Set<object>();

  function watch<T extends object>(target: T): T {
    const names = new Set<string>();
    seen.set(target, names);
    return new Proxy(target, {
      get(from, name) {
        if (typeof name === "string") names.add(name);
        const field: unknown = Reflect.get(from, name);
        return typeof field === "object" && field !== null ? watchOnce(field) : field;
      },
      ownKeys(from) {
        // Whoever walks all fields takes any name: a map.
        open.add(from);
        return Reflect.ownKeys(from);
      },
    });
  }

  const watched = new Map<object, object>();
  function watchOnce(target: object): object {
    const known = watched.get(target) ?? watch(target);
    watched.set(target, known);
    return known;
  }

  function unseen(target: object, path: string): string[] {
    const names = seen.get(target);
    return Object.entries(target).flatMap(([name, field]: [string, unknown]) => {
      const own = `${path}/${name}`;
      if (names?.has(name) !== true && !open.has(target)) return [own];
      return typeof field === "object" && field !== null && seen.has(field) ? unseen(field, own) : [];
    });
  }

  validate(watchOnce(value));
  return unseen(value, "");
}
