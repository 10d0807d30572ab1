/** Works at one queue of one engine, one job at a time, and tells the process that began it when each began, in milliseconds. */
import { nowMs, openEngines } from "./queue-engines.ts";

const [url = "", name = "", queue = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(0));
const { engines } = await openEngines(url);
await engines
  .find((one) => one.name === name)
  ?.open(queue)
  .work(1, () => process.send?.(nowMs()));
process.send?.(0);
