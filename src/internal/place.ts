import { hash } from "node:crypto";

/** The place of a name among as many, from 0: the same in every process and every release, for what is stored lies by it. */
export function placeOf(name: string, places: number): number {
  return Number.parseInt(hash("sha256", name).slice(0, 8), 16) % places;
}
