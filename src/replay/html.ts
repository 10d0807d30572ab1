import type { PairReport, ReplayReport, SettingReport } from "./report.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
div { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884 }
td.n, th.n { text-align: right; white-space: nowrap }
td.text { min-width: 16rem; overflow-wrap: anywhere }
p.note { color: #777 }`;

/** A report as a page that needs no script and loads nothing. Every text of the log is escaped. Pure. */
export function toHtml(report: ReplayReport): string {
  const { log, settings, valuable, doubtful, judge } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>What the cache would have served</title>
<style>${STYLE}</style>
</head>
<body>
<h1>What the cache would have served</h1>
<p>${num(log.requests)} requests in ${num(log.lines)} lines${log.from === null ? "" : `, ${esc(log.from)} to ${esc(log.to ?? "")}`}. Embedder: ${esc(report.embedder ?? "none (exact lookups only)")}.</p>
${notes(report)
  .map((note) => `<p class="note">${esc(note)}</p>`)
  .join("\n")}
<h2>By preset and life of answers</h2>
<div><table>
<tr><th>Preset</th><th>Life</th>${["Hits", "Exact", "Similar", "Saved", "Saved, of all", "Time saved", "Entries, most", "Memory", "Server"].map((title) => `<th class="n">${title}</th>`).join("")}</tr>
${settings.map(settingRow).join("\n")}
</table></div>
<h2>Near questions that saved most</h2>
${pairs(valuable, judge !== null)}
<h2>Near questions to look at</h2>
<p>Pairs that a looser preset served and <em>strict</em> refused, and pairs that every preset refused although they are near. Read them before you choose a preset: would one answer serve both?</p>
${pairs(doubtful, judge !== null)}
</body>
</html>
`;
}

function notes({ log, settings, judge }: ReplayReport): readonly string[] {
  const refused = Object.entries(log.refused)
    .map(([why, { count, lines }]) => `${why} ${count}: ${lines.join(", ")}${count > lines.length ? ", …" : ""}`)
    .join("; ");
  const skipped = log.broken + log.too_long + log.other;
  const numbers = log.broken_lines.join(", ");
  const unpriced = settings[0]?.unpriced ?? 0;
  return [
    ...(skipped === 0
      ? []
      : [
          `Passed over: ${log.broken} broken lines${numbers === "" ? "" : ` (${numbers}${log.broken > log.broken_lines.length ? ", …" : ""})`}, ${log.too_long} too long, ${log.other} that cannot be played${refused === "" ? "" : ` (${refused})`}.`,
        ]),
    ...(log.without_answer === 0
      ? []
      : [`${log.without_answer} requests have no answer in the log: nothing was stored for them.`]),
    ...(log.without_time === 0
      ? []
      : [`${log.without_time} requests have no time in the log: they count as asked together with the one before.`]),
    ...(unpriced === 0 ? [] : [`${unpriced} answers are of models without a known price: they count as free.`]),
    ...(judge === null
      ? []
      : [
          `${judge.model} was asked about ${judge.asked} pairs (${judge.failed} calls failed), which cost ${judge.cost.toFixed(6)}.`,
        ]),
  ];
}

function settingRow(one: SettingReport): string {
  const cells = [
    `${num(one.hits)} (${percent(one.hit_share)})`,
    num(one.exact),
    num(one.similar),
    one.saved.cost.toFixed(4),
    one.saved_share === null ? "–" : percent(one.saved_share),
    `${num(Math.round(one.saved.seconds))} s`,
    num(one.memory.entries_most),
    mib(one.memory.bytes),
    mib(one.memory.server_bytes),
  ];
  return `<tr><td>${esc(one.preset)}</td><td>${life(one.ttl_seconds)}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join("")}</tr>`;
}

function pairs(rows: readonly PairReport[], isJudged: boolean): string {
  if (rows.length === 0) return "<p>There are none.</p>";
  const titles = `<th>Asked</th><th>Stored</th><th class="n">Similarity</th><th>Served by</th><th class="n">Met</th><th class="n">Saved</th>${isJudged ? "<th>Judge</th>" : ""}`;
  const lines = rows.map(({ asked, stored, similarity, served, refused, met, saved, verdict }) => {
    const by = served.length > 0 ? served.join(", ") : `nobody: ${refused ?? "refused"}`;
    return `<tr><td class="text">${esc(asked)}</td><td class="text">${esc(stored)}</td><td class="n">${similarity.toFixed(3)}</td><td>${esc(by)}</td><td class="n">${num(met)}</td><td class="n">${saved.toFixed(6)}</td>${isJudged ? `<td>${esc(verdict ?? "–")}</td>` : ""}</tr>`;
  });
  return `<div><table>\n<tr>${titles}</tr>\n${lines.join("\n")}\n</table></div>`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** A text as it is shown; directions and other invisible characters of a log do not change the page around them. */
function esc(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (one) => ESCAPES.get(one) ?? "")
    .replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "\u{FFFD}");
}

const num = (value: number) => value.toLocaleString("en-US");
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`;

function life(seconds: number): string {
  const [each, unit] = seconds % 86_400 === 0 ? [86_400, "d"] : seconds % 3_600 === 0 ? [3_600, "h"] : [1, "s"];
  return `${seconds / each} ${unit}`;
}
