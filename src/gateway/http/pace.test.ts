import { describe, expect, it } from "vitest";
import { createPace } from "./pace.ts";

/** Judges tries one after another; each judgement begins with the next one. Returns the judgements. */
async function judge(tries: string): Promise<string> {
  const left = tries.split("").map((one) => one === "q");
  const pace = createPace(async () => left.shift() ?? true);
  let told = "";
  while (left.length > 0) told += (await pace(left.shift() ?? true)) ? "S" : "Q";
  return told;
}

describe("pace", () => {
  it.each([
    ["is quick at first, with one try each", "qqq", "QQQ"],
    ["becomes slow by three slow tries in a row", "sss", "S"],
    ["stays quick where one or two are slow", "sqqssqq", "QQQQ"],
    ["stays slow where one or two are quick", "sssqsqqss", "SSSS"],
    ["becomes quick by three quick tries in a row", "ssssqqqq", "SSQQ"],
  ])("%s", async (_, tries, told) => {
    expect(await judge(tries)).toBe(told);
  });
});
