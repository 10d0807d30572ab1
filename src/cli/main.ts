#!/usr/bin/env node
import { nodeComplaint } from "./node-version.ts";

const complaint = nodeComplaint(process.versions.node);
if (complaint === undefined) {
  // Loaded only now: an older Node cannot even parse it.
  const { runMarrow } = await import("./run.ts");
  process.exitCode = await runMarrow(process.argv.slice(2));
} else {
  console.error(complaint);
  process.exitCode = 1;
}
