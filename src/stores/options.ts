import type { Embedder } from "../embedders/index.ts";
import { chosenEngine, type EngineChoice, type RecallOptions } from "../vectors/index.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";

/** Options of `createStores`. */
export interface StoresOptions {
  /** Name of these stores and files within their scope. */
  readonly name: string;
  /** Embeds chunks and queries. A later change of embedder is refused with `conflict`, so vectors of two embedders never mix. */
  readonly embedder: Embedder;
  /** Vector engine, as in `marrow/vectors`. @default "auto", the engine recorded for the installation */
  readonly engine?: EngineChoice | undefined;
  /** Largest file, in bytes, 1 to 64 MiB. @default 8 MiB */
  readonly fileBytesMax?: number | undefined;
  /** Most files, and most stores, of a scope; 1 to 1,000,000. @default 10_000 */
  readonly itemsMax?: number | undefined;
  /** The recall self-check of the stores' chunks, as in `marrow/vectors`. @default off */
  readonly recall?: RecallOptions | undefined;
  /** Called with errors of work in the background. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface ResolvedStoresOptions {
  readonly name: string;
  readonly embedder: Embedder;
  readonly engine: EngineChoice;
  readonly fileBytesMax: number;
  readonly itemsMax: number;
  readonly recall: RecallOptions | undefined;
  readonly onError: (error: unknown) => void;
}

const MEBIBYTE = 1024 ** 2;

/** Fills defaults and checks ranges. @throws MarrowError `invalid_option` */
export function resolveOptions(options: StoresOptions): ResolvedStoresOptions {
  if (typeof (options.embedder as Partial<Embedder> | undefined)?.embed !== "function")
    refuse("embedder", "an embedder", options.embedder);
  return {
    name: checkText("name", options.name, 128),
    embedder: options.embedder,
    engine: chosenEngine(options),
    fileBytesMax: checkInteger("fileBytesMax", options.fileBytesMax ?? 8 * MEBIBYTE, { min: 1, max: 64 * MEBIBYTE }),
    itemsMax: checkInteger("itemsMax", options.itemsMax ?? 10_000, { min: 1, max: 1_000_000 }),
    recall: options.recall,
    onError: options.onError ?? (() => {}),
  };
}
