import { calculatePagination, normalizePerPage } from "@mastra/core/storage";

/** The requested part of a list. */
interface Page {
  readonly page: number;
  readonly perPage: number | false | undefined;
  readonly byDefault: number;
}

/** Returns one page of a list, in Mastra's form. */
export function paged<N extends "threads" | "messages", T>(
  name: N,
  list: readonly T[],
  { page, perPage, byDefault }: Page,
): { readonly [K in N]: T[] } & { total: number; page: number; perPage: number | false; hasMore: boolean } {
  const size = normalizePerPage(perPage, byDefault);
  const { offset, perPage: told } = calculatePagination(page, perPage, size);
  const slice = { [name]: list.slice(offset, offset + size) } as { readonly [K in N]: T[] };
  return { ...slice, total: list.length, page, perPage: told, hasMore: offset + size < list.length };
}
