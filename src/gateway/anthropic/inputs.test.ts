import { describe, expect, it } from "vitest";
import type { ChatCompletion } from "../../models/index.ts";
import { toMessage } from "./answer.ts";
import { readInputs } from "./inputs.ts";

async function inputsOf(...given: readonly string[]): Promise<unknown> {
  const calls = given.map((text, at) => ({ id: `t${at}`, function: { name: "f", arguments: text } }));
  const choice = { index: 0, message: { role: "assistant", content: null, tool_calls: calls }, finish_reason: "stop" };
  const completion = { id: "c", model: "m", choices: [choice] } as unknown as ChatCompletion;
  const { content } = toMessage(await readInputs(completion));
  return (content as readonly { readonly input: unknown }[]).map(({ input }) => input);
}

const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));

describe("the inputs of a message's tools", () => {
  it("are what the calls were given, however long", async () => {
    const given = [{ a: 1 }, wide(4_000), { text: 'a "quoted" text\n'.repeat(20_000) }, {}];
    expect(await inputsOf(...given.map((one) => JSON.stringify(one)))).toEqual(given);
    expect(await inputsOf(JSON.stringify({ a: 1 }), "", "[1]")).toEqual([{ a: 1 }, {}, { INVALID_JSON: "[1]" }]);
  });

  it("are the text itself where it is no object, or over a bound", async () => {
    const cut = JSON.stringify(wide(4_000)).slice(0, -1);
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const many = JSON.stringify(wide(20_000));
    expect(await inputsOf(cut, deep, many, "")).toEqual([
      { INVALID_JSON: cut },
      { INVALID_JSON: deep },
      { INVALID_JSON: many },
      {},
    ]);
  });
});
