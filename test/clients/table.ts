import { readFileSync } from "node:fs";
import type { Trial } from "./trial.ts";

const START = "<!-- table: begin -->\n";
const END = "<!-- table: end -->";

/** A page with its table of clients and features as a run had them: yes, no, or empty for what was not tried. */
export function toTable(page: string, trials: readonly Trial[], held: (trial: Trial) => boolean): string {
  const clients = [...new Set(trials.map(({ client }) => client))];
  const features = [...new Set(trials.map(({ feature }) => feature))];
  const cell = (client: string, feature: string) => {
    const trial = trials.find((one) => one.client === client && one.feature === feature);
    return trial === undefined ? "" : held(trial) ? "yes" : "no";
  };
  const rows = [
    ["feature", ...clients.map(withVersion)],
    ["---", ...clients.map(() => "---")],
    ...features.map((feature) => [feature, ...clients.map((client) => cell(client, feature))]),
  ];
  const table = rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
  return `${page.slice(0, page.indexOf(START) + START.length)}${table}\n${page.slice(page.indexOf(END))}`;
}

const PACKAGES: Readonly<Record<string, string>> = {
  "openai 6": "openai-6",
  "openai 7": "openai",
  llamaindex: "@llamaindex/openai",
};

/** A client with the version that is installed here. */
function withVersion(client: string): string {
  const name = PACKAGES[client] ?? client.split(" ")[0] ?? client;
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")) as { version: string };
  return `${client.replace(/^openai \d$/, "openai")} (${version})`;
}
