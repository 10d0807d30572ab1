import { describe, expect, it } from "vitest";
import { toInfos, toOpenaiInfo } from "./listed.ts";

const good = [
  { id: "one", object: "model", created: 7, owned_by: "me", context_length: 9 },
  { id: "two", created: 8, owned_by: "upstream" },
];

describe("the list of an endpoint's models", () => {
  it("keeps its good entries beside odd ones", () => {
    const odd = [null, 5, [], {}, { id: 5 }, { id: "" }, { id: "x".repeat(257) }, { object: "model" }];
    expect(toInfos({ data: [...odd, good[0], ...odd, good[1]] }, toOpenaiInfo)).toEqual(good);
  });

  it.each<[string, unknown]>([
    ["data", { object: "list", data: good }],
    ["a list alone", good],
    ["models", { models: good }],
    ["names", { models: good.map(({ id, ...rest }) => ({ name: id, ...rest })) }],
  ])("is read from %s", (_, body) => {
    expect(toInfos(body, toOpenaiInfo)).toEqual(good);
  });

  it("tells times in seconds and a text as the owner, whatever stands there", () => {
    const odd = [
      { id: "a", created: "2026-01-01T00:00:00Z", owned_by: null },
      { id: "b", created: "soon", owned_by: { name: "x" } },
      { id: "c", created: 1.5 },
      "d",
    ];
    expect(toInfos({ data: odd }, toOpenaiInfo)).toEqual([
      { id: "a", created: 1_767_225_600, owned_by: "upstream" },
      { id: "b", created: 0, owned_by: "upstream" },
      { id: "c", created: 1, owned_by: "upstream" },
      { id: "d", created: 0, owned_by: "upstream" },
    ]);
  });

  it.each([undefined, null, "x", {}, { data: "x" }, { data: null, error: "busy" }])("is none in %j", (body) => {
    expect(toInfos(body, toOpenaiInfo)).toBeUndefined();
  });
});
