import { describe, expect, it } from "vitest";
import { createRenderer } from "./go-template.ts";

describe("the renderer", () => {
  const renderOne = (template: string, data = { Values: { a: "x", list: [1, 2], none: "" } }) =>
    createRenderer({ t: template })("t", data);

  it.each([
    ["{{ .Values.a }}", "x"],
    ["{{ .Values.a | quote }}", '"x"'],
    ["a\n{{- if .Values.none }}\nb\n{{- else }}\nc\n{{- end }}", "a\nc"],
    ["{{ range .Values.list }}{{ . }},{{ end }}", "1,2,"],
    ['{{ $b := default "y" .Values.none }}{{ $b }}', "y"],
    ['{{ define "d" }}<{{ . }}>{{ end }}{{ include "d" .Values.a }}', "<x>"],
    ['{{ printf "%s-%s" .Values.a (include "d" "z") }}{{ define "d" }}{{ . }}{{ end }}', "x-z"],
    ["{{ add (div 7 2) 1 }}", "4"],
  ])("makes of %s", (template, wanted) => {
    expect(renderOne(template)).toBe(wanted);
  });

  it.each([
    ["{{ lookup 1 }}", "unknown function"],
    ["{{ .Values.b }}", "there is no .Values.b"],
    ["{{ if .Values.a }}", "not closed"],
    ["{{ end }}", "closes nothing"],
    ["{{ .Values.list }}", "no text"],
    ["{{ $c }}", "never set"],
  ])("refuses %s", (template, message) => {
    expect(() => renderOne(template)).toThrow(message);
  });
});
