/** Takes the entries that were put in first out of a map or a set, until it has at most `sizeMax`. */
export function dropOldest<K>(entries: Map<K, unknown> | Set<K>, sizeMax: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= sizeMax) return;
    entries.delete(oldest);
  }
}
