import { existsSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { buildDashboard } from "../../tools/build-dashboard.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** Debian's browser; `MARROW_CHROMIUM` names another one. */
const CHROMIUM = process.env["MARROW_CHROMIUM"] ?? "/usr/bin/chromium";
const PAGES = ["Overview", "Playground", "Audit"];
/** Where screenshots go, if somebody wants them. */
const SHOTS = process.env["MARROW_SCREENSHOTS"];

/** What a page may never do: fail in the console, or ask another origin. */
function watch(page: Page, origin: string): string[] {
  const wrong: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) wrong.push(`request: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return wrong;
}

/** Findings of axe-core that are serious or worse. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] })`,
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ""}`),
    );
}

describe.skipIf(!existsSync(CHROMIUM))(`the dashboard in a browser (skipped where there is no ${CHROMIUM})`, () => {
  let gateway: TestGateway;
  let origin: string;
  let browser: Browser;

  beforeAll(async () => {
    await buildDashboard();
    gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    origin = gateway.baseURL.replace(/\/v1$/, "");
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  async function open(
    colorScheme: "light" | "dark",
    width: number,
  ): Promise<{ context: BrowserContext; page: Page; wrong: string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const wrong = watch(page, origin);
    page.setDefaultTimeout(8_000);
    await page.goto(`${origin}/dashboard#link=${(await gateway.signIns?.createLink()) ?? ""}`);
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    return { context, page, wrong };
  }

  it("signs in by a key, tells a wrong one, and signs out", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(8_000);
    const key = await gateway.keys.create({ scope: "acme", user: "root", name: "boss", role: "admin" });
    await page.goto(`${origin}/dashboard`);
    await page.getByLabel("API key").fill("mrw_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    await page.getByText("boss").waitFor();
    expect(await page.evaluate("document.cookie")).toBe("");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.close();
  });

  it("shows the sixty seconds by three buttons: a miss, an exact hit, a similar one", async () => {
    const { context, page, wrong } = await open("light", 1440);
    expect(page.url()).not.toContain("link=");
    await page.getByRole("link", { name: "Playground", exact: true }).click();
    for (const [nth, name, tier] of [
      [1, "1. A new question: miss", "miss"],
      [2, "2. The same again: exact", "exact"],
      [3, "3. Other words: similar", "similar"],
    ] as const) {
      await page.getByRole("button", { name }).click();
      const answer = page.getByRole("region", { name: `Answer ${nth}`, exact: true });
      expect(await answer.locator(".badge").textContent()).toBe(tier);
    }
    expect(wrong).toEqual([]);
    await context.close();
  });

  it.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
    ["dark", 390],
  ] as const)("is whole on every page: %s, %i px", async (colorScheme, width) => {
    const { context, page, wrong } = await open(colorScheme, width);
    const pages = page.getByRole("navigation", { name: "Pages" });
    expect(await pages.getByRole("link").allTextContents()).toEqual(PAGES);
    for (const name of PAGES) {
      await pages.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
      await page.waitForFunction('document.querySelector(".asking") === null');
      if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}-${colorScheme}-${width}.png` });
      const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect(`${name} ${Math.max(0, over)}`).toBe(`${name} 0`);
      // A narrow screen has the same words and colours.
      if (width === 1440) expect(await findings(page)).toEqual([]);
    }
    expect(wrong).toEqual([]);
    await context.close();
  });
});
