/** Writes the pictures of the dashboard into docs/images, out of a gateway that `npm run demo:traffic` runs: `npm run demo:screenshots -- LINK`, with the link that it prints. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { toPalette } from "./demo/palette.ts";

const TARGET = join(import.meta.dirname, "../docs/images");
/** Name, page, colours; whatever is clicked before. */
const PICTURES: readonly (readonly [string, string, "light" | "dark", string?])[] = [
  ["dashboard-overview", "", "light"],
  ["dashboard-trace", "traces?view=over 500 ms", "dark", "tbody a"],
  ["dashboard-limits", "limits", "light"],
  ["dashboard-agents", "agents", "dark"],
];

const [link] = process.argv.slice(2);
if (link === undefined) throw new Error("name the link that npm run demo:traffic prints");
const { origin } = new URL(link);
const browser = await chromium.launch({
  executablePath: process.env["MARROW_CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
await page.goto(link.replace("#", "?scope=acme#"));
await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
for (const [name, path, colorScheme, clicked] of PICTURES) {
  await page.emulateMedia({ colorScheme });
  await page.goto(`${origin}/dashboard/${path}${path.includes("?") ? "&" : "?"}scope=acme`);
  await page.locator("main .card").first().waitFor();
  if (clicked !== undefined) await page.locator(clicked).first().click();
  // Figures arrive, and charts are drawn.
  await page.waitForTimeout(2_500);
  const picture = toPalette(await page.screenshot());
  await writeFile(join(TARGET, `${name}.png`), picture);
  console.log(`${name}.png: ${(picture.length / 1_000).toFixed(0)} kB`);
}
await browser.close();
