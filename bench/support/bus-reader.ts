/** Handles messages of one path at a time, as it is told by the process that began it; answers how long each was on its way, in milliseconds. */
import { nowMs, openPaths, type Opened } from "./bus-paths.ts";

const paths = await openPaths(process.argv[2] ?? "");
let opened: Opened | undefined;
let takenMs: number[] = [];
process.on("disconnect", () => process.exit(0));
async function turnTo({ path, name }: { readonly path?: string; readonly name: string }): Promise<void> {
  const taken = takenMs;
  takenMs = [];
  await opened?.close();
  opened = await paths
    .find((one) => one.name === path)
    ?.listen(name, ({ nth, atMs }) => {
      // The first ones warm up.
      if (nth >= 0) takenMs.push(nowMs() - atMs);
    });
  process.send?.(taken);
}

process.on("message", (told: { readonly path?: string; readonly name: string }) => void turnTo(told));
process.send?.([]);
