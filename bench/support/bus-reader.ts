/** Handles messages of one path, under the names that it is told by the process that began it; answers how long each was on its way, in milliseconds. */
import { nowMs, openPaths, type Opened } from "./bus-paths.ts";

const [url = "", kind = ""] = process.argv.slice(2);
const path = (await openPaths(url)).find((one) => one.name === kind);
let opened: Opened | undefined;
let takenMs: number[] = [];
process.on("disconnect", () => process.exit(0));
async function turnTo(name: string | undefined): Promise<void> {
  const taken = takenMs;
  takenMs = [];
  await opened?.close();
  opened =
    name === undefined
      ? undefined
      : await path?.listen(name, ({ nth, atMs }) => {
          // The first ones warm up.
          if (nth >= 0) takenMs.push(nowMs() - atMs);
        });
  process.send?.(taken);
}

process.on("message", ({ name }: { readonly name?: string }) => void turnTo(name));
process.send?.([]);
