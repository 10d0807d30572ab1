import { describe, expect, it } from "vitest";
import { toCarried } from "../models/carried-thoughts.ts";
import { withHistory } from "../../flow/context.ts";
import { toChatRequest } from "./request.ts";
import type { Item } from "./shape.ts";

const says = (role: string, content: string): Item => ({ type: "message", role, content }) as unknown as Item;
const asked = (request: object, history: readonly Item[], input: readonly Item[]) =>
  toChatRequest({ model: "m", ...request }, history, input).messages.map(
    ({ role, content, tool_calls: calls, tool_call_id: id }) =>
      [role, content ?? (calls as { id: string }[])[0]?.id ?? "", id ?? ""].map(String).join(" ").trim(),
  );

describe("the messages of a response", () => {
  it("have the order of its items, after its instructions", () => {
    const history = [says("user", "u1"), says("assistant", "a1")];
    const input = [says("developer", "dev mid"), says("user", "u2"), says("system", "last")];
    expect(asked({ instructions: "I" }, history, input)).toEqual([
      "system I",
      "user u1",
      "assistant a1",
      "developer dev mid",
      "user u2",
      "system last",
    ]);
  });

  it("have the results of tools right behind their calls, whatever was said in between", () => {
    const call = (id: string) =>
      ({ type: "function_call", call_id: id, name: "f", arguments: "{}" }) as unknown as Item;
    const output = (id: string) => ({ type: "function_call_output", call_id: id, output: "out" }) as unknown as Item;
    const input = [says("user", "u"), call("c1"), says("user", "hurry"), call("c2"), says("developer", "d")];
    expect(asked({}, [], [...input, output("c2"), output("c1"), says("user", "end")])).toEqual([
      "user u",
      "assistant c1",
      "tool out c1",
      "user hurry",
      "assistant c2",
      "tool out c2",
      "developer d",
      "user end",
    ]);
  });
});

describe("what a maker said of its calls beyond them", () => {
  const item = (fields: object) => fields as unknown as Item;
  const call = (id: string) => item({ type: "function_call", call_id: id, name: "f", arguments: "{}" });
  const output = (id: string) => item({ type: "function_call_output", call_id: id, output: "out" });
  const signs = (id: string, signature: string) => {
    const data = JSON.stringify({ signature });
    const detail = { type: "reasoning.encrypted", format: "marrow-call-v1", id, data };
    return item({ type: "reasoning", summary: [], encrypted_content: toCarried(detail) });
  };
  const signed = (input: readonly Item[]) =>
    toChatRequest({ model: "m" }, [], input).messages.flatMap(({ tool_calls: calls }) =>
      ((calls ?? []) as { id: string; signature?: string }[]).map(({ id, signature }) => `${id} ${signature}`),
    );
  const user = says("user", "u");

  it.each<[string, readonly Item[], readonly string[]]>([
    ["before them", [signs("a", "1"), signs("b", "2"), call("a"), call("b"), output("a"), output("b")], ["a 1", "b 2"]],
    ["behind them", [call("a"), signs("a", "1"), call("b"), signs("b", "2"), output("a"), output("b")], ["a 1", "b 2"]],
    ["before and behind", [signs("a", "1"), call("a"), signs("a", "2"), output("a")], ["a 2"]],
    [
      "before outputs among them",
      [signs("a", "1"), signs("b", "2"), call("a"), output("a"), call("b"), output("b")],
      ["a 1", "b 2"],
    ],
    [
      "under ids that come again",
      [
        signs("b", "1"),
        call("b"),
        output("b"),
        user,
        signs("a", "2"),
        signs("b", "3"),
        call("a"),
        output("a"),
        call("b"),
        output("b"),
      ],
      ["b 1", "a 2", "b 3"],
    ],
  ])("goes back with them where it stands %s", (_, items, expected) => {
    expect(signed([user, ...items])).toEqual(expected);
  });
});

describe("messages on top of a session's history", () => {
  const history = [says("user", "u1"), says("assistant", "a1")];
  const order = (messages: readonly Item[], lead?: number) =>
    withHistory(messages as never, history as never, lead).map(({ content }) => content);

  it("begin with the request's first instructions, and keep the place of later ones", () => {
    const now = [says("system", "s"), says("user", "u2"), says("developer", "d"), says("user", "u3")];
    expect(order(now)).toEqual(["s", "u1", "a1", "u2", "d", "u3"]);
    expect(order([says("system", "s"), ...history, ...now.slice(1)])).toEqual(["s", "u1", "a1", "u2", "d", "u3"]);
    const resent = [says("user", "u1"), says("assistant", "a1"), says("developer", "d"), says("user", "u2")];
    const longer = [says("user", "u0"), says("assistant", "a0"), ...history];
    expect(withHistory(resent as never, longer as never).map(({ content }) => content)).toEqual([
      "u0",
      "a0",
      "u1",
      "a1",
      "d",
      "u2",
    ]);
  });

  it("have the first instructions behind it where these are items", () => {
    expect(order([says("system", "I"), says("developer", "d"), says("user", "u2")], 1)).toEqual([
      "I",
      "u1",
      "a1",
      "d",
      "u2",
    ]);
  });
});
