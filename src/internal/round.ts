/** Lines of owners, such as scopes, that take turns: in each line the oldest goes first, and an owner that had a turn goes behind the others. */
export class Round<T extends object> {
  /** The lines, in the order of their owners' turns. None is empty. */
  readonly #lines = new Map<string, Set<T>>();
  #size = 0;

  /** All that wait. */
  get size(): number {
    return this.#size;
  }

  /** Those of one owner that wait. */
  sizeOf(owner: string): number {
    return this.#lines.get(owner)?.size ?? 0;
  }

  /** Puts one at the end of its owner's line. */
  add(owner: string, one: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, new Set([one]));
    else line.add(one);
    this.#size += 1;
  }

  /** Takes one that waits out of its owner's line, which keeps its turn. Returns false if it does not wait. */
  remove(owner: string, one: T): boolean {
    const line = this.#lines.get(owner);
    if (line?.delete(one) !== true) return false;
    if (line.size === 0) this.#lines.delete(owner);
    this.#size -= 1;
    return true;
  }

  /** Takes the oldest of an owner, which has had its turn then. */
  take(owner: string): T | undefined {
    const line = this.#lines.get(owner);
    const [one] = line ?? [];
    if (line === undefined || one === undefined) return undefined;
    this.remove(owner, one);
    if (this.#lines.delete(owner)) this.#lines.set(owner, line);
    return one;
  }

  /** Takes the oldest of the owner whose turn it is. */
  next(): T | undefined {
    for (const owner of this.#lines.keys()) return this.take(owner);
    return undefined;
  }

  /** The oldest of each owner, by turns. An owner whose oldest is taken meanwhile comes once more, behind the others. */
  *heads(): Generator<readonly [owner: string, one: T]> {
    for (const [owner, [one]] of this.#lines) if (one !== undefined) yield [owner, one];
  }

  /** The newest of the owner with the longest line. Reads the lines. */
  newestOfLongest(): readonly [owner: string, one: T] | undefined {
    let longest: readonly [string, Set<T>] | undefined;
    for (const entry of this.#lines) if (longest === undefined || entry[1].size > longest[1].size) longest = entry;
    const one = longest === undefined ? undefined : [...longest[1]].at(-1);
    return longest === undefined || one === undefined ? undefined : [longest[0], one];
  }
}
