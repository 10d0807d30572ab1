import { describe, expect, it } from "vitest";
import { toAnthropicModel, toAnthropicPage } from "./models.ts";

const models = ["a", "b", "c", "d"].map((id) => ({ id, owned_by: "upstream", created: 0 }));
const page = (query: Parameters<typeof toAnthropicPage>[1]) => {
  const { data, ...rest } = toAnthropicPage(models, query) as { data: readonly { id: string }[] };
  return { ids: data.map(({ id }) => id).join(""), ...rest };
};

describe("the models that a client of Anthropic's API lists", () => {
  it("have the fields that its types require, as their upstream told them", () => {
    expect(toAnthropicModel({ id: "a", owned_by: "upstream", created: 86_400 })).toEqual({
      type: "model",
      id: "a",
      display_name: "a",
      created_at: "1970-01-02T00:00:00.000Z",
    });
    const told = { id: "a", owned_by: "anthropic", created: 0, display_name: "A", created_at: "2026-01-01T00:00:00Z" };
    expect(toAnthropicModel(told)).toMatchObject({ display_name: "A", created_at: "2026-01-01T00:00:00Z" });
  });

  it.each([
    [{}, { ids: "abcd", has_more: false, first_id: "a", last_id: "d" }],
    [{ limit: 2 }, { ids: "ab", has_more: true, first_id: "a", last_id: "b" }],
    [
      { limit: 2, after_id: "b" },
      { ids: "cd", has_more: false, first_id: "c", last_id: "d" },
    ],
    [
      { limit: 2, before_id: "d" },
      { ids: "bc", has_more: true, first_id: "b", last_id: "c" },
    ],
    [{ after_id: "d" }, { ids: "", has_more: false, first_id: null, last_id: null }],
  ])("come in pages: %j", (query, wanted) => {
    expect(page(query)).toEqual(wanted);
  });

  it("have no page at a cursor that names none", () => {
    expect(() => page({ after_id: "z" })).toThrow(expect.objectContaining({ code: "not_found" }));
  });
});
