import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { textIn } from "../internal/content-text.ts";
import { upstreamModel, UPSTREAM_KINDS, type UpstreamKind } from "./kinds.ts";
import type { StreamPart } from "./model.ts";
import { createEventReader, upToLineEnd } from "./sse.ts";

let server: Server;
afterEach(() => new Promise((resolve) => server?.close(resolve) ?? resolve(undefined)));

/** A stream of these pieces, each with a packet of its own, as it is told until it breaks. */
async function toldOf(pieces: readonly string[], kind: UpstreamKind = "chat", more: object = {}) {
  server = createServer((_, response) => {
    response.socket?.setNoDelay(true);
    response.setHeader("content-type", "text/event-stream");
    void (async () => {
      for (const piece of pieces) {
        response.write(piece);
        if (pieces.length < 10) await sleep(20);
      }
      response.end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const model = upstreamModel(kind, { baseUrl });
  const parts: StreamPart[] = [];
  let [failure, isOfCall]: [unknown, boolean] = [undefined, true];
  try {
    const request = { model: "m", messages: [{ role: "user", content: "hello" }], stream: true, ...more };
    const stream = await model.stream({ request });
    isOfCall = false;
    for await (const part of stream) parts.push(part);
  } catch (error) {
    failure = error;
  }
  await model.close();
  const wire = Buffer.concat(parts.map(({ bytes }) => bytes)).toString();
  const chunks = parts.flatMap((part) => part.chunks);
  const read = chunks.map(({ choices }) => textIn(choices?.[0]?.delta?.["content"])).join("");
  return { wire, read, failure, isOfCall };
}

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const said = (content: string) => event({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const failed = event({
  ...head,
  error: { code: 503, message: "gone" },
  choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
});
const [one, two, three] = [said("One "), said("two "), said("three é")];

describe("a stream that breaks with an error that begins as its other events do", () => {
  it.each<[string, string[], string]>([
    ["all in one piece", [one + two + three + failed], one + two + three],
    ["behind half an event", [one + two.slice(0, 120), two.slice(120) + three + failed], one + two + three],
    ["behind the end of a half", [one + two.slice(0, 40), two.slice(40) + failed], one + two],
    ["behind half a blank line", [one + two.slice(0, -1), two.slice(-1) + failed], one + two],
    ["in halves", [one + two + failed.slice(0, 40), failed.slice(40) + three], one + two],
    ["with a comment before", [`${one}: x\n\n${two}: y\n\n${failed}`], `${one}: x\n\n${two}`],
    ["of other line ends", [(one + two + failed).replaceAll("\n", "\r\n")], (one + two).replaceAll("\n", "\r\n")],
  ])("tells readers of its bytes and of its chunks the same: %s", async (_, pieces, wire) => {
    const told = await toldOf(pieces);
    const whole = told.wire.slice(0, told.wire.lastIndexOf(wire.slice(-2)) + 2);
    expect(whole).toBe(wire);
    const texts = [...whole.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text);
    expect(told.read).toBe(texts.join(""));
    expect(told).toMatchObject({ isOfCall: false, failure: { code: "model_failed", details: { status: 503 } } });
  });

  it("is whole where the error comes behind its end", async () => {
    const end = event({ ...head, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    const told = await toldOf([`${one}${end}data: [DONE]\n\n${failed}`]);
    expect(told).toMatchObject({ wire: `${one}${end}data: [DONE]\n\n`, read: "One ", failure: undefined });
  });

  it.each(["anthropic", "responses"] as const)("is told up to there by an endpoint of kind %s", async (kind) => {
    const events =
      kind === "anthropic"
        ? [
            { type: "message_start", message: { id: "m", model: "m", content: [], usage: {} } },
            { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
            { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "One " } },
            { type: "error", error: { type: "overloaded_error", message: "gone" } },
          ]
        : [
            { type: "response.created", response: { id: "r", model: "m", output: [] } },
            { type: "response.output_item.added", output_index: 0, item: { type: "message", id: "i", content: [] } },
            { type: "response.output_text.delta", output_index: 0, item_id: "i", content_index: 0, delta: "One " },
            { type: "error", code: "server_error", message: "gone" },
          ];
    const told = await toldOf([events.map(event).join("")], kind);
    expect(told).toMatchObject({ read: "One ", isOfCall: false, failure: { code: "model_failed" } });
  });
});

it("the end of an event is found in any piece, whatever its line ends and characters are", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.constantFrom("\n", "\r\n", "\r"), fc.boolean()), {
        maxLength: 6,
      }),
      fc.integer({ min: 1, max: 60 }),
      (lines, pieceBytes) => {
        const events = lines.map(([text, end, isComment]) => {
          const data = text.replaceAll(/[\r\n\uFEFF]/g, "");
          return Buffer.concat([
            Buffer.from(`${isComment ? `: x${end}` : ""}data: ${data}`),
            Buffer.from([0xff]),
            Buffer.from(end + end),
          ]);
        });
        const whole = Buffer.concat(events);
        const reader = createEventReader();
        let count = 0;
        for (let at = 0; at < whole.length; at += pieceBytes) {
          const piece = whole.subarray(at, at + pieceBytes);
          for (const nth of reader.read(piece).keys()) {
            const cut = at + upToLineEnd(piece, reader.lineEndsAfter(nth)).length;
            count += 1;
            const end = Buffer.concat(events.slice(0, count)).length;
            // The LF of a CRLF may be a piece of its own, which is the end of nothing.
            expect([end, end - 1]).toContain(cut);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

describe.each(UPSTREAM_KINDS)("an endpoint of kind %s that fails before it says anything", (kind) => {
  const failure = (length: number) =>
    event({ type: "error", error: { code: 503, type: "overloaded_error", message: `gone${"x".repeat(length)}` } });
  const inPieces = (text: string, bytes: number) =>
    Array.from({ length: Math.ceil(text.length / bytes) }, (_, at) => text.slice(at * bytes, (at + 1) * bytes));
  it.each<[string, readonly string[]]>([
    ["400 comments", [...Array<string>(400).fill(": keep-alive\n\n"), failure(0)]],
    ["an error of 3 MB", inPieces(failure(3_000_000), 8_192)],
  ])("is a failure of the call: after %s", async (_, pieces) => {
    expect(await toldOf(pieces, kind)).toMatchObject({ isOfCall: true, failure: { code: "model_failed" } });
  });
});

it("300 roles say nothing yet", async () => {
  const role = event({ ...head, choices: [{ index: 0, delta: { role: "assistant", content: "" } }] });
  expect(await toldOf([...Array<string>(300).fill(role), failed])).toMatchObject({ isOfCall: true });
});
