/** Maps a list; returns the same list if no item changes. */
export function mapChanged<T>(list: readonly T[], change: (one: T, at: number) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((one, at) => one === list[at]) ? list : changed;
}
