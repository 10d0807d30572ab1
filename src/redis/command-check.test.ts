import { expect, it } from "vitest";
import { toWrongCommand } from "./command-check.ts";

it("a command that a server would drop the connection for is refused before any client has it", () => {
  const bytes = new Uint8Array(300 * 1_048_576);
  expect(toWrongCommand(["SET", "a", bytes])).toBeUndefined();
  expect(toWrongCommand(["SET", "a", bytes, bytes])).toMatchObject({ code: "too_large", details: { path: "command" } });
});
