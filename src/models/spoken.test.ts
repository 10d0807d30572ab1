import { describe, expect, it } from "vitest";
import type { ChatMessage } from "./chat.ts";
import { withTranscripts } from "./spoken.ts";

const user = { role: "user", content: "q" };
const said = (message: Omit<ChatMessage, "role">) => withTranscripts([user, { role: "assistant", ...message }], "k")[1];

describe("an assistant's turn of audio, for a kind of upstream that knows none", () => {
  it("is its transcript", () => {
    expect(said({ content: null, audio: { id: "audio_1", data: "aa", transcript: "Good day." } })).toEqual({
      role: "assistant",
      content: "Good day.",
    });
  });

  it("is refused by name where it has no words at all", () => {
    for (const audio of [{ id: "audio_1" }, { id: "audio_1", transcript: "" }])
      expect(() => said({ content: null, audio })).toThrow(
        expect.objectContaining({ code: "invalid_input", details: { path: "messages.1.audio" } }),
      );
  });

  it("keeps what is written beside it", () => {
    const message = { content: "In writing.", audio: { id: "audio_1" } };
    expect(said(message)).toMatchObject({ content: "In writing." });
  });

  it("leaves messages without audio as they are", () => {
    const messages = [user, { role: "assistant", content: "a", audio: null }];
    expect(withTranscripts(messages, "k")).toBe(messages);
  });
});

describe("a call in the form before tools", () => {
  it("is refused by name", () => {
    expect(() => said({ content: null, function_call: { name: "f", arguments: "{}" } })).toThrow(
      expect.objectContaining({ details: { path: "messages.1.function_call" } }),
    );
  });
});
