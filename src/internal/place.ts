import { hash } from "node:crypto";

/**
 * Maps a name to one of `places` positions, from 0. It must stay the same in every process and release, because stored data depends on it.
 */
export function placeOf(name: string, places: number): number {
  return Number.parseInt(hash("sha256", name).slice(0, 8), 16) % places;
}
