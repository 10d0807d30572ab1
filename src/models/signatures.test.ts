import { describe, expect, it } from "vitest";
import type { ChatRequest } from "./index.ts";
import { createDialect } from "./dialect.ts";

const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
const asked = (said: object): ChatRequest => ({
  model: "m",
  messages: [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Ho", tool_calls: [call], ...said },
  ],
});
const SEALED: readonly (readonly [string, object])[] = [
  ["reasoning_details", { reasoning_details: [{ type: "reasoning.text", text: "t", signature: "S" }] }],
  ["LiteLLM's thinking_blocks", { thinking_blocks: [{ type: "thinking", thinking: "t", signature: "S" }] }],
  ["Gemini's extra_content", { tool_calls: [{ ...call, extra_content: { google: { thought_signature: "S" } } }] }],
  [
    "a field of the called function",
    { tool_calls: [{ ...call, function: { ...call.function, thought_signature: "S" } }] },
  ],
  ["reasoning_encrypted_content", { reasoning_encrypted_content: "S" }],
];
const REFUSALS = [
  "messages.1.content.0: Invalid `signature` in `thinking` block",
  "Thought signature is not valid.",
  "The encrypted content S could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
  '{"error":{"code":"invalid_encrypted_content","message":"no"}}',
  "Corrupted thought signature.",
  "failed to verify the signature of redacted_thinking",
];

describe("an endpoint of kind chat that cannot read a signature or encrypted reasoning", () => {
  it.each(SEALED.flatMap(([where, said]) => REFUSALS.map((refusal) => [where, refusal, said] as const)))(
    "is asked once more without %s: %s",
    (_, refusal, said) => {
      const dialect = createDialect({});
      const amended = dialect.amend(asked(said), refusal);
      expect(amended?.request).toEqual(asked({}));
      amended?.learn();
      // What was refused is of this request alone.
      expect(dialect.adapt(asked(said))).toEqual(asked(said));
      expect(amended && dialect.amend(amended.request, refusal)).toBeUndefined();
    },
  );

  it.each([
    "Function call is missing a thought_signature.",
    "thought_signature must be provided",
    "The image could not be decoded",
  ])("keeps them where a refusal says something else: %s", (refusal) => {
    for (const [, said] of SEALED) expect(createDialect({}).amend(asked(said), refusal)).toBeUndefined();
  });

  it("keeps other fields of the message", () => {
    const said = { ...SEALED[0]?.[1], refusal: "no", annotations_v2: [{ a: 1 }] };
    const plain = createDialect({}).amend(asked(said), REFUSALS[0] ?? "")?.request;
    expect(plain).toEqual(asked({ refusal: "no", annotations_v2: [{ a: 1 }] }));
  });
});
