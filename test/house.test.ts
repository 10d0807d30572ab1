import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** Who may import whom: the law of the house. `door` rooms are entered through `index.ts` only. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  internal: ["errors"],
  redis: ["errors", "internal"],
  embedders: ["errors", "internal"],
  models: ["errors", "internal"],
  relay: ["redis", "errors", "internal"],
  limiter: ["redis", "errors", "internal"],
  webhooks: ["errors", "internal"],
  queue: ["webhooks", "relay", "redis", "errors", "internal"],
  a2a: ["queue", "webhooks", "redis", "errors", "internal"],
  bus: ["relay", "redis", "errors", "internal"],
  vectors: ["embedders", "redis", "errors", "internal"],
  stores: ["vectors", "embedders", "redis", "errors", "internal"],
  "openai-agents": ["memory", "errors", "internal"],
  nest: ["redis", "errors", "internal"],
  mastra: ["memory", "vectors", "embedders", "redis", "errors", "internal"],
  llamaindex: ["memory", "vectors", "errors", "internal"],
  "ai-sdk": ["cache", "memory", "errors", "internal"],
  langchain: ["cache", "memory", "vectors", "embedders", "errors", "internal"],
  langgraph: ["vectors", "embedders", "redis", "errors", "internal"],
  memory: ["vectors", "embedders", "redis", "errors", "internal"],
  cache: ["vectors", "relay", "embedders", "redis", "errors", "internal"],
  flow: ["cache", "memory", "limiter", "models", "embedders", "errors", "internal"],
  testing: ["redis", "embedders", "errors"],
  gateway: [
    "a2a",
    "bus",
    "queue",
    "stores",
    "vectors",
    "size",
    "cache",
    "memory",
    "limiter",
    "flow",
    "models",
    "embedders",
    "redis",
    "errors",
    "internal",
  ],
  signals: ["internal"],
  otel: ["errors", "internal"],
  // The page runs in a browser: of the server it knows the types of its answers alone.
  dashboard: ["gateway"],
  size: ["redis", "errors", "internal"],
  replay: ["flow", "cache", "models", "embedders", "size", "redis", "errors", "internal"],
  cli: ["replay", "size", "gateway", "queue", "cache", "vectors", "embedders", "redis", "errors", "internal"],
  index: ["redis", "errors"],
};
/** Rooms without a door: every file may be imported. */
const OPEN = new Set(["errors", "internal"]);
/** Doors beside a room's main one. */
const SIDE_DOORS = new Set([
  "redis/managed/index.ts",
  "limiter/http/index.ts",
  "queue/bull-board/index.ts",
  "gateway/admin/answers.ts",
  // What an operator's commands need, without what serves requests: they begin in a fifth of the time.
  "gateway/operator.ts",
  "gateway/admin/answers-roles.ts",
]);
/** What the page knows of the server. */
const ANSWERS = ["src/gateway/admin/answers.ts", "src/gateway/admin/answers-roles.ts"];
const LINES_MAX = 400;
const FORBIDDEN_NAMES = /^(utils?|common|helpers?|types|constants|misc)\.ts$/;

const sources = globSync("src/**/*.{ts,tsx}").filter((file) => !file.endsWith(".test.ts"));

function roomOf(file: string): string {
  const [first = ""] = relative("src", file).split("/");
  return first.replace(/\.tsx?$/, "");
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)";/gms)].map((match) =>
    join(dirname(file), match[1] ?? ""),
  );
}

describe("the house", () => {
  it("tells the version of its package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(readFileSync("src/gateway/version.ts", "utf8")).toContain(`VERSION = "${version}"`);
  });

  it("has a wall for every room", () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !(room in WALLS))).toEqual([]);
  });

  it.each(Object.keys(WALLS))("%s imports only the rooms that it may, through their doors", (room) => {
    const wrong = sources
      .filter((file) => roomOf(file) === room)
      .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
      .filter(({ target }) => roomOf(target) !== room)
      .filter(({ target }) => {
        const other = roomOf(target);
        const throughDoor =
          OPEN.has(other) || target === `src/${other}/index.ts` || SIDE_DOORS.has(relative("src", target));
        return !(WALLS[room] ?? []).includes(other) || !throughDoor;
      });
    expect(wrong).toEqual([]);
  });

  it("keeps the page apart from the server: the page imports types of answers, and the server nothing of the page", () => {
    const wrong = sources.flatMap((file) => {
      const text = readFileSync(file, "utf8");
      const across = [
        ...text.matchAll(/^import (type )?[^;]*?from "[^"]*\/(gateway\/[^"]*|dashboard\/(?!sign-ins|page)[^"]*)";/gms),
      ];
      return roomOf(file) === "dashboard"
        ? across
            .filter(([, type, target]) => type === undefined || !ANSWERS.includes(`src/${target ?? ""}`))
            .map(() => file)
        : [];
    });
    expect(wrong).toEqual([]);
    for (const file of ANSWERS)
      expect(readFileSync(file, "utf8")).not.toMatch(/^import (?!type)|^export (?!interface|type)/m);
  });

  it("has no cycle of imports", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (state.get(file) === "done" || !existsSync(file)) return;
      if (state.get(file) === "open") {
        cycles.push([...path, file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const target of importsOf(file)) visit(target, [...path, file]);
      state.set(file, "done");
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("has no file that is too long or named after nothing", () => {
    const long = sources.filter(
      (file) => !file.endsWith(".gen.ts") && readFileSync(file, "utf8").split("\n").length > LINES_MAX,
    );
    const vague = sources.filter((file) => FORBIDDEN_NAMES.test(file.split("/").at(-1) ?? ""));
    expect({ long, vague }).toEqual({ long: [], vague: [] });
  });

  it("runs no command that walks or empties the whole server", () => {
    const rooms = sources.filter((file) => !file.includes("redis/routing.ts"));
    const scripts = globSync("src/**/*.lua");
    const wrong = [...rooms, ...scripts].filter((file) =>
      /"(KEYS|SCAN|FLUSHALL|FLUSHDB)"/.test(readFileSync(file, "utf8")),
    );
    expect(wrong).toEqual([]);
  });

  it("brings text into a normal form of Unicode by one function, which is linear", () => {
    const wrong = sources.filter(
      (file) => !file.endsWith("internal/normalise.ts") && /\.normalize\(/.test(readFileSync(file, "utf8")),
    );
    expect(wrong).toEqual([]);
  });

  it("looks nothing up by a caller's word in an object that has a prototype", () => {
    // A table by words is a Map, one that grows by words an object without a prototype: `constructor` and `__proto__` are words, too.
    const tables =
      /^(?:export )?const \w+: Readonly<Record<string, .+?>> =|const \w+: Record<(?:string|number), [^=\n]*> = \{\};/m;
    const wrong = sources.filter((file) => !file.endsWith(".gen.ts") && tables.test(readFileSync(file, "utf8")));
    expect(wrong).toEqual([]);
  });
});
