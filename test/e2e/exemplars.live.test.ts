import { describe, expect, inject, it } from "vitest";
import { startTestGateway } from "../gateway.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
/** A line of OpenMetrics 1.0: a sample, perhaps with an exemplar, or a comment of one of three kinds. */
const LABELS = String.raw`\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\}`;
const NUMBER = String.raw`(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN|Nan)`;
const SAMPLE = new RegExp(String.raw`^[a-zA-Z_:][\w:]*(?:${LABELS})? ${NUMBER}(?: # ${LABELS} ${NUMBER} ${NUMBER})?$`);
const COMMENT =
  /^# (?:HELP [a-zA-Z_:][\w:]* .*|TYPE [a-zA-Z_:][\w:]* (?:counter|gauge|histogram|summary|unknown)|EOF)$/;

describe("/metrics asked for as OpenMetrics", () => {
  it("has the trace of a request behind the bucket of its time, and is well-formed", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
    try {
      const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
      await gateway.client({ headers }).chat.completions.create({
        model: "demo",
        messages: [{ role: "user", content: "How tall is the Eiffel Tower?" }],
      });
      const url = `${gateway.baseURL.replace("/v1", "")}/metrics`;
      const read = async (accept: string) => {
        const answer = await fetch(url, { headers: { accept } });
        return { type: answer.headers.get("content-type"), text: await answer.text() };
      };
      const asked = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
      const open = await read(asked);
      expect(open.type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
      expect(open.text).toMatch(
        new RegExp(
          String.raw`marrow_request_seconds_bucket\{.*chat/completions.*\} 1 # \{trace_id="${TRACE}"\} 0\.\d+ \d+`,
        ),
      );
      const lines = open.text.split("\n");
      expect(lines.slice(-2)).toEqual(["# EOF", ""]);
      expect(lines.slice(0, -1).filter((line) => !SAMPLE.test(line) && !COMMENT.test(line))).toEqual([]);
      const counters = [...open.text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name = ""]) => name);
      expect(counters.filter((name) => name.endsWith("_total"))).toEqual([]);
      // The same samples as Prometheus' own format has, which knows no exemplars.
      const plain = await read("text/plain");
      expect([plain.type, plain.text.includes(TRACE)]).toEqual([expect.stringContaining("text/plain"), false]);
      const namesOf = (text: string) => new Set([...text.matchAll(/^([a-z]\w*)[ {]/gm)].map(([, name]) => name));
      expect(namesOf(open.text)).toEqual(namesOf(plain.text));
    } finally {
      await gateway.close();
    }
  });
});
