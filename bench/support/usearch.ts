import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const VERSION = "2.26.2";
const DIRECTORY = ".cache/bench";

interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
}

/** A graph in this process. */
export interface InProcess {
  add(first: number, vectors: readonly Float32Array[]): void;
  /** Numbers of the ten nearest. */
  search(vector: Float32Array): number[];
}

/**
 * Loads usearch, the peer that is no dependency: it is put under `.cache/bench` at the first run, from its prebuilt binaries, so that
 * `npm ci` needs no compiler. `undefined` where that fails.
 */
export async function loadUsearch({ dimensions }: { readonly dimensions: number }): Promise<InProcess | undefined> {
  const directory = resolve(DIRECTORY);
  if (!existsSync(`${directory}/node_modules/usearch`)) {
    const install = ["install", "--prefix", directory, "--no-save", "--ignore-scripts", `usearch@${VERSION}`];
    if (spawnSync("npm", install, { stdio: "ignore" }).status !== 0) return undefined;
  }
  try {
    const { Index } = createRequire(`${directory}/`)("usearch") as { Index: new (options: object) => UsearchIndex };
    // The same graph as a vector set's: 16 links, 200 and 100 candidates. In 16 bits: its 8 bits lose a tenth of the neighbours here.
    const options = {
      metric: "cos",
      connectivity: 16,
      dimensions,
      quantization: "f16",
      expansion_add: 200,
      expansion_search: 100,
    };
    const index = new Index(options);
    return {
      add(first, vectors) {
        const flat = new Float32Array(vectors.length * dimensions);
        vectors.forEach((vector, at) => flat.set(vector, at * dimensions));
        index.add(
          BigUint64Array.from(vectors, (_, at) => BigInt(first + at)),
          flat,
          1,
        );
      },
      search: (vector) => [...index.search(vector, 10, 1).keys].map(Number),
    };
  } catch {
    return undefined;
  }
}
