import { describe, expect, it } from "vitest";
import { findExcess } from "../../test/scaling/measure.ts";
import { createChunkReader, createEventReader, EVENT_CHARS_MAX, type ChatChunk } from "../models/index.ts";
import { createRecorder } from "../models/recorder.ts";
import { toStoredAnswer } from "./cacheable.ts";
import { toReplay, toReplayEvents } from "./replay.ts";
import { unsaid } from "./resent.ts";
import { askUsage, createEventHolder, createUsageFilter } from "./usage-asked.ts";

const event = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`;
const said = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null });
const usage = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } };
const STREAM = event(said("Hélló")) + event(said(" world")) + event(usage) + "data: [DONE]\n\n";

/** The stream in pieces of a size, as a model's parts. */
function filtered(text: string, size: number): string {
  const [bytes, reader, filter] = [Buffer.from(text), createEventReader(), createUsageFilter()];
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    const data = reader.read(piece);
    const chunks = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(String(one)) as ChatChunk);
    out.push(filter({ bytes: piece, chunks, done: data.includes("[DONE]") }));
  }
  return Buffer.concat(out).toString("utf8");
}

describe("usage that a client did not ask for", () => {
  it.each([1, 2, 7, 50, 5_000])("is taken out of a stream in pieces of %i bytes, and nothing else is", (size) => {
    expect(filtered(STREAM, size)).toBe(STREAM.replace(event(usage), ""));
    const crlf = STREAM.replaceAll("\n\n", "\r\n\r\n");
    expect(filtered(crlf, size)).toBe(crlf.replace(event(usage).replace("\n\n", "\r\n\r\n"), ""));
  });

  it("is asked for all the same, by the client's own bytes where that can be", async () => {
    const request = { model: "m", messages: [], stream: true };
    const { body } = await askUsage({ request, body: Buffer.from(`${JSON.stringify(request)} \n`) });
    expect(JSON.parse(Buffer.from(body as Uint8Array).toString("utf8"))).toEqual({
      ...request,
      stream_options: { include_usage: true },
    });
    const own = { ...request, stream_options: { include_obfuscation: false } };
    const asked = await askUsage({ request: own, body: Buffer.from(JSON.stringify(own)) });
    expect([asked.body, asked.request["stream_options"]]).toEqual([
      undefined,
      { include_obfuscation: false, include_usage: true },
    ]);
  });
});

describe("an event in many pieces", () => {
  const pieces = (bytes: Buffer, size: number) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
  const MIB = 1_048_576;

  /** What takes a stream's pieces in a route, in a row. */
  const readers: Readonly<Record<string, () => (bytes: Uint8Array, done: boolean) => unknown>> = {
    "whole events": () => {
      const hold = createEventHolder();
      return (bytes, done) => hold({ bytes, chunks: [], done });
    },
    "usage taken out": () => {
      const filter = createUsageFilter();
      return (bytes, done) => filter({ bytes, chunks: [], done });
    },
    "data of events": () => {
      const reader = createEventReader();
      return (bytes) => reader.read(bytes);
    },
  };

  it.each(Object.keys(readers))(
    "costs as much time as it is long: %s",
    async (name) => {
      const work = (size: number) => {
        const all = pieces(Buffer.from(`data: ${"x".repeat(size - 8)}\n\n`), 65_536);
        return () => {
          const take = readers[name]?.();
          for (const piece of all) take?.(piece, false);
        };
      };
      // A quarter of what may come: beyond, blocks of memory are new from the system each time, which is a step and no growth.
      expect(await findExcess(work, { largest: EVENT_CHARS_MAX / 4 })).toEqual([]);
    },
    60_000,
  );

  it.each([1, 2, 3, 5, 64])("comes out as it went in, whole, in pieces of %i bytes", (size) => {
    for (const end of ["\n\n", "\r\n\r\n", "\r\r"]) {
      const text = ["data: a", `data: ${"é".repeat(99)}`, ": b", "data: c"].join(end) + end;
      const hold = createEventHolder();
      const out = pieces(Buffer.from(text), size)
        .map((bytes) => Buffer.from(hold({ bytes, chunks: [], done: false })).toString("utf8"))
        .filter((piece) => piece !== "");
      expect(out.join("")).toBe(text);
      expect(out.every((piece) => piece.endsWith(end))).toBe(true);
    }
  });

  it("is refused where it has no end", () => {
    const hold = createEventHolder();
    const bytes = Buffer.alloc(MIB, "data: on and on\n");
    let held = 0;
    expect(() => {
      for (; held < 100; held += 1) hold({ bytes, chunks: [], done: false });
    }).toThrow("is larger than 50331648 bytes");
    expect(held).toBe(48);
  });
});

describe("comments before an event", () => {
  it.each([":\n", ": on and on\n", ": on and on\r\n"])(
    "that go on and on are dropped, and the event is whole: %j",
    (comment) => {
      const [hold, take] = [createEventHolder(), createChunkReader()];
      const noise = Buffer.from(comment.repeat(2_000_000 / comment.length));
      const last = 'data: {"id":"c","choices":[]}\n\n';
      const bytes = Buffer.concat([noise, Buffer.from(last)]);
      let out = "";
      for (let at = 0; at < bytes.length; at += 65_535) {
        const piece = hold({ bytes: bytes.subarray(at, at + 65_535), chunks: [], done: false });
        expect(piece.length).toBeLessThan(200_000);
        out += Buffer.from(piece).toString("utf8");
      }
      expect(out.endsWith(last)).toBe(true);
      expect(take(Buffer.from(out))).toEqual([{ id: "c", choices: [] }]);
    },
  );

  it("without an end are kept as they are, with the event behind them", () => {
    const hold = createEventHolder();
    const bytes = Buffer.from(`: ${"x".repeat(500_000)}\ndata: {}\n\n`);
    let out = "";
    for (let at = 0; at < bytes.length; at += 65_536)
      out += Buffer.from(hold({ bytes: bytes.subarray(at, at + 65_536), chunks: [], done: false })).toString("utf8");
    expect(out).toBe(bytes.toString("utf8"));
  });
});

describe("a recorded stream", () => {
  it("keeps every field that its endpoint gave, and replays it whole and streamed", () => {
    const recorder = createRecorder("m");
    const piece = (content: string, token: string) => ({
      id: "c",
      created: 1,
      model: "m",
      system_fingerprint: "fp",
      citations: ["https://a"],
      choices: [
        {
          index: 0,
          delta: {
            content,
            reasoning_content: token,
          },
          logprobs: {
            content: [
              {
                token,
                logprob: -1,
              },
            ],
            refusal: null,
          },
          finish_reason: null,
        },
      ],
    });
    recorder.add([
      piece("a", "x"),
      piece("b", "y"),
      { choices: [{ index: 0, delta: { annotations: [{ type: "url_citation" }] }, finish_reason: "stop" }] },
      usage,
    ]);
    const completion = recorder.completion();
    expect(completion).toMatchObject({
      system_fingerprint: "fp",
      citations: ["https://a"],
      choices: [
        {
          message: { content: "ab", reasoning_content: "xy", annotations: [{ type: "url_citation" }] },
          logprobs: { content: [{ token: "x" }, { token: "y" }] },
        },
      ],
    });
    const stored = toStoredAnswer(completion);
    const again = toReplay(stored as NonNullable<typeof stored>);
    expect(again).toMatchObject({ ...completion, id: again.id, created: again.created, usage: usage.usage });
    const replayed = createRecorder("m");
    const data = createEventReader().read(Buffer.from(toReplayEvents(stored as NonNullable<typeof stored>, true)));
    replayed.add(data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(String(one)) as ChatChunk));
    expect(replayed.completion().choices).toEqual(completion.choices);
  });

  it("tells two calls at one index apart by their ids, and keeps what is known", () => {
    const recorder = createRecorder("m");
    const call = (id: string | null, name: string | null, args: string) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id, function: { name, arguments: args } }] } }],
    });
    recorder.add([call("a", "f", "{"), call("", null, "}"), call("b", "g", "[]")] as never);
    expect(recorder.completion().choices[0]?.message["tool_calls"]).toEqual([
      { id: "a", function: { name: "f", arguments: "{}" } },
      { id: "b", function: { name: "g", arguments: "[]" } },
    ]);
  });
});

describe("a history that is sent again", () => {
  const turn = (role: string, content: unknown) => ({ role, content });
  const held = [turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")];
  it.each([
    ["all of it", [...held, turn("user", "e")], 1],
    ["more than the session shows", [turn("user", "0"), turn("assistant", "1"), ...held, turn("user", "e")], 1],
    ["a part of it", [...held.slice(2), turn("user", "e"), turn("user", "f")], 2],
    [
      "it with texts as parts",
      [turn("user", "c"), turn("assistant", [{ type: "text", text: "d" }]), turn("user", "e")],
      1,
    ],
    ["something else", [turn("user", "c"), turn("assistant", "x"), turn("user", "e")], 3],
    ["only what is new", [turn("user", "c")], 1],
  ])("is found out: %s", (_, messages, fresh) => {
    expect(unsaid(messages, held)).toEqual(messages.slice(-fresh));
  });
});
