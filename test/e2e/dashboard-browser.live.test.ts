import { existsSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { buildDashboard } from "../../tools/build-dashboard.ts";
import { createTraffic } from "../../tools/demo/traffic.ts";
import { createBus, type Agent, type Bus } from "../../src/bus/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { createMigration, createVectors } from "../../src/vectors/index.ts";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";

/** Debian's browser; `MARROW_CHROMIUM` names another one. */
const CHROMIUM = process.env["MARROW_CHROMIUM"] ?? "/usr/bin/chromium";
const PAGES = [
  "Overview",
  "Playground",
  "Cache",
  "Queue",
  "Limits and keys",
  "Sessions",
  "Agents",
  "Vectors",
  "Traces",
  "Health",
  "Audit",
];
/** A name and a text that would run if a page took it for markup. */
const CANARY = '<img src=x onerror="alert(1)">';

/** What a page may never do: fail in the console, or ask another origin. */
function watch(page: Page, origin: string): string[] {
  const wrong: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      wrong.push(`console: ${message.text()} ${message.location().url}`);
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

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const COLORS = { type: "rule", values: ["color-contrast"] };

/** Findings of axe-core that are serious or worse. */
async function findings(page: Page, colorsAlone = false): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run(document, { resultTypes: ["violations"], runOnly: ${JSON.stringify(colorsAlone ? COLORS : RULES)} })`,
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
  let bus: Bus;
  let agent: Agent;
  let store: string;

  beforeAll(async () => {
    await buildDashboard();
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      background: true,
      config: { dashboard: { content: "visible", traces: "always" } },
    });
    origin = gateway.baseURL.replace(/\/v1$/, "");
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
  });
  beforeAll(traffic);

  /** What the pages show: the demonstration's traffic, and chats of a user and a session, tasks, keys, an agent, a topic, each with a canary where it may have one. */
  async function traffic(): Promise<void> {
    await gateway.keys.create({ scope: "acme", user: CANARY, name: CANARY });
    const { keys, redis, client } = gateway;
    const demo = await createTraffic({ origin, redis, keys, models: ["demo"] });
    await demo.prepare();
    expect((await demo.chat(20)).get(200)).toBeGreaterThan(10);
    await demo.close();
    expect((await keys.list()).data.length).toBeGreaterThan(1);
    const headers = { "x-marrow-user": CANARY, "x-marrow-session": CANARY };
    for (const content of ["What is Marrow?", "What is Marrow?", CANARY])
      await ask(client(), content, { model: "demo", headers });
    const send = async (path: string, body: object) =>
      (await (
        await fetch(`${gateway.baseURL}${path}`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${gateway.key}`,
            "x-marrow-user": CANARY,
            ...(!(body instanceof FormData) && { "content-type": "application/json" }),
          },
          body: body instanceof FormData ? body : JSON.stringify(body),
        })
      ).json()) as { readonly id: string };
    await send("/memories", { text: CANARY, key: CANARY, source: { role: "user", session: CANARY } });
    const form = new FormData();
    form.set("purpose", "assistants");
    form.set("file", new Blob([CANARY]), `${CANARY}.md`);
    const [{ id: file }, { id }] = [await send("/files", form), await send("/vector_stores", { name: CANARY })];
    store = id;
    const attached = { file_id: file, attributes: { [CANARY]: CANARY } };
    expect(await send(`/vector_stores/${store}/files`, attached)).toMatchObject({ status: "completed" });
    const queue = createQueue(redis.scope("acme"), { name: "tasks" });
    await queue.push({ canary: CANARY }, { id: "job-1" });
    await queue.push({}, { delayMs: 60_000 });
    await queue.schedule(CANARY, { everyMs: 3_600_000 }, {});
    bus = createBus(redis.scope("acme"));
    agent = await bus.register({ name: "helper", version: CANARY, skills: [{ id: CANARY }] }, async () => "done");
    await bus.topic("orders").publish({ canary: CANARY });
    await bus.topic("orders").seek(CANARY, "start");
    await bus.topic(CANARY).publish({ canary: CANARY });
    const input = new FormData();
    input.set("purpose", "batch");
    input.set("file", new Blob(["{}"]), "in.jsonl");
    const batched = { input_file_id: (await send("/files", input)).id, endpoint: "/v1/chat/completions" };
    await send("/batches", { ...batched, completion_window: "24h", metadata: { [CANARY]: CANARY } });
    const shape = { dimensions: 2, metric: "cosine", index: "flat" } as const;
    const docs = createVectors(redis.scope("acme"), { ...shape, name: CANARY, fingerprint: CANARY });
    await docs.upsert([{ id: "a", vector: [1, 0] }]);
    const side = { vectors: docs, embed: async () => [], embedQuery: async () => [1, 0] };
    await createMigration(redis.scope("acme"), { name: `move ${CANARY}`, from: side, to: side }).backfill();
  }

  afterAll(async () => {
    await agent?.close();
    await bus?.close();
    await browser?.close();
    await gateway?.close();
  });

  async function open(): Promise<{ context: BrowserContext; page: Page; wrong: string[] }> {
    const context = await browser.newContext({
      colorScheme: "light",
      reducedMotion: "reduce",
      viewport: { width: 1440, height: 900 },
    });
    const page = await context.newPage();
    const wrong = watch(page, origin);
    page.setDefaultTimeout(8_000);
    await page.goto(`${origin}/dashboard?scope=acme#link=${(await gateway.signIns?.createLink()) ?? ""}`);
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
    const { context, page, wrong } = await open();
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

  it("is whole on every page: light and dark, 1440 and 390 px", { timeout: 120_000 }, async () => {
    const { context, page, wrong } = await open();
    const pages = page.getByRole("navigation", { name: "Pages" });
    expect(await pages.getByRole("link").allTextContents()).toEqual(PAGES);
    for (const name of PAGES) {
      await pages.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
      await page.waitForFunction('document.querySelector(".asking") === null');
      // A narrow screen has the same words and colours; the dark has other colours alone.
      expect(await findings(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await findings(page, true)).toEqual([]);
      for (const width of [390, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
        expect(`${name} at ${width}: ${Math.max(0, over)}`).toBe(`${name} at ${width}: 0`);
      }
      await page.emulateMedia({ colorScheme: "light" });
    }
    expect(wrong).toEqual([]);
    await context.close();
  });

  it(
    "leads from an address to a user, a job, a store, a request and a topic, and takes no name for markup",
    { timeout: 40_000 },
    async () => {
      const { context, page, wrong } = await open();
      const name = encodeURIComponent(CANARY);
      for (const [path, text] of [
        [`sessions/${name}/${name}`, CANARY],
        [`sessions/${name}/${name}`, "What a model gets of it"],
        [`cache?user=${name}`, "What is Marrow?"],
        [`sessions/${name}`, `Known of ${CANARY}`],
        [`limits/${name}`, `Limits of ${CANARY}`],
        ["vectors", CANARY],
        ["vectors", `move ${CANARY}`],
        ["queue", `${CANARY}: ${CANARY}`],
        // A form writes the quotes of a file name in another way.
        [`vectors/${store}`, "<img src=x onerror="],
        ["traces", "/v1/chat/completions"],
        ["queue/tasks/job-1", "waiting"],
        ["queue/tasks?state=delayed", "delayed"],
        ["agents", "planner →"],
        ["agents", "read by no group"],
        [`agents/${name}`, "1 messages, read by no group"],
        [`agents/orders/${name}`, "Nothing was put aside"],
      ] as const) {
        await page.goto(`${origin}/dashboard/${path}${path.includes("?") ? "&" : "?"}scope=acme`);
        await page.locator("main").getByText(text).first().waitFor();
        expect(await page.locator("main img").count()).toBe(0);
      }
      await page.setViewportSize({ width: 390, height: 900 });
      const [long, longer] = ["W".repeat(64), "W".repeat(128)];
      for (const path of ["sessions", "limits", "agents", "queue/tasks"]) {
        await page.goto(`${origin}/dashboard/${path}/${path.includes("/") ? long : longer}?scope=acme`);
        await page.locator("main h2").first().waitFor();
        expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      }
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(`${origin}/dashboard/cache?user=${name}&words=marrow&scope=acme`);
      await page.getByRole("link", { name: "What is Marrow?" }).first().click();
      await page.getByRole("region", { name: "Stored answer" }).getByText("counted in a cache").waitFor();
      expect(await findings(page)).toEqual([]);
      await page.goto(`${origin}/dashboard/vectors/${store}?scope=acme`);
      await page.getByLabel("Question").fill(CANARY);
      await page.getByRole("button", { name: "Search" }).click();
      await page.locator(".found").getByText(CANARY).first().waitFor();
      await page.goto(`${origin}/dashboard/traces?scope=acme`);
      await page.getByRole("link", { name: "POST /v1/chat/completions" }).first().click();
      await page.locator(".waterfall").getByText("admit").waitFor();
      expect(await findings(page)).toEqual([]);
      expect(await page.locator("main img").count()).toBe(0);
      // Nothing has the long names, which the browser says in its console.
      expect(wrong.filter((text) => !(text.includes("404") && text.includes(long)))).toEqual([]);
      await context.close();
    },
  );

  it("follows what happens on one stream a page, which ends when nobody sees it", async () => {
    const { context, page, wrong } = await open();
    const streams: string[] = [];
    page.on("request", (request) => request.url().includes("/v1/admin/live") && streams.push(request.url()));
    const ended: string[] = [];
    page.on("requestfinished", (request) => ended.push(request.url()));
    page.on("requestfailed", (request) => ended.push(request.url()));
    await page.getByRole("link", { name: "Queue", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor();
    await expect.poll(() => streams.filter((url) => url.includes("of=queues")).length).toBe(1);
    const tasks = page.getByRole("row").filter({ hasText: "tasks" });
    const waiting = Number(/(\d+) of /.exec((await tasks.textContent()) ?? "")?.[1]);
    await createQueue(gateway.redis.scope("acme"), { name: "tasks" }).push({});
    await tasks.getByText(`${waiting + 1} of `).waitFor();
    await page.evaluate(
      "Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    await expect.poll(() => ended.filter((url) => url.includes("of=queues")).length).toBe(1);
    expect(streams.filter((url) => url.includes("of=queues")).length).toBe(1);
    expect(wrong).toEqual([]);
    await context.close();
  });

  it("chooses jobs, and does one thing to all of them", async () => {
    const { context, page, wrong } = await open();
    await page.goto(`${origin}/dashboard/queue/tasks?state=delayed&scope=acme`);
    await page.getByRole("button", { name: "Choose all of this page" }).click();
    const chosen = await page.locator("input[type=checkbox]:checked").count();
    expect(chosen).toBeGreaterThan(1);
    await page.getByRole("button", { name: `cancel ${chosen} chosen` }).click();
    await page.locator(".confirm button:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText(`cancel: done for ${chosen}`).waitFor();
    await page.getByText("No job is delayed").waitFor();
    expect(wrong).toEqual([]);
    await context.close();
  });

  it("makes a key that is shown once, ends it after asking, and lets a viewer do neither", async () => {
    const { context, page, wrong } = await open();
    await page.getByRole("link", { name: "Limits and keys", exact: true }).click();
    await page.getByLabel("Name").fill("of a page");
    await page.getByLabel("Role").selectOption("viewer");
    await page.getByRole("button", { name: "Make a key" }).click();
    const key = await page.locator(".secret code").textContent();
    expect(key).toMatch(/^mrw_/);
    const row = page.getByRole("row").filter({ hasText: "of a page" });
    const viewer = await context.browser()?.newPage();
    if (viewer === undefined) throw new Error("no browser");
    await viewer.goto(`${origin}/dashboard/queue?scope=acme`);
    await viewer.getByLabel("API key").fill(key ?? "");
    await viewer.keyboard.press("Enter");
    await viewer.getByText("you may look, and not act").waitFor();
    const buttons = viewer.locator("main button");
    await buttons.first().waitFor();
    expect(
      await buttons.evaluateAll((all) => all.every((one) => (one as unknown as { disabled: boolean }).disabled)),
    ).toBe(true);
    await viewer.close();
    await row.getByRole("button", { name: "End" }).click();
    await page.locator(".confirm button:focus").waitFor();
    await page.keyboard.press("Enter");
    await row.waitFor({ state: "detached" });
    expect(wrong).toEqual([]);
    await context.close();
  });
});
