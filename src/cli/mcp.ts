import { openMemory } from "../gateway/index.ts";
import type { Given } from "./command.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/** `marrow mcp`: one user's memory as a server of the Model Context Protocol on standard input and output, until its input ends. */
export async function runMcp({ text }: Given): Promise<number> {
  const whose = { scope: text("scope") ?? "default", user: text("user") ?? "default" };
  // Standard output belongs to the protocol.
  const say = (line: string) => console.error(line);
  const opened = await openMemory({ ...readSurroundings(), config: await loadConfig(), say }, whose);
  const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
  const transport = new StdioServerTransport();
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", () => resolve());
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  await opened.connect(transport);
  say("Marrow's memory is ready");
  await ended;
  await opened.close();
  return 0;
}
