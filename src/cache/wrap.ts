import type { Cache, ThroughOptions } from "./lookup.ts";
import type { Question } from "./question.ts";

/**
 * Wraps a function with a cache, like `through`: calls it only on a miss. `toQuestion` converts the arguments to a question: the words in
 * `prompt`, everything else that decides the answer in `within` and `context`.
 */
export function wrap<A extends readonly unknown[], V>(
  cache: Pick<Cache<V>, "through">,
  fn: (...args: A) => Promise<V>,
  toQuestion: (...args: A) => string | Question,
  options?: ThroughOptions<V>,
): (...args: A) => Promise<V> {
  return async (...args) => (await cache.through(toQuestion(...args), () => fn(...args), options)).value;
}
