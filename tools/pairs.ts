/** Two prompts, and whether one answer may serve both. */
export interface Pair {
  readonly kind: string;
  readonly label: 0 | 1;
  readonly a: string;
  readonly b: string;
}

/** Labelled pairs: `kind`, `label`, two prompts, parted by tabs; lines that begin with `#` are remarks. */
export function readPairs(text: string): Pair[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [kind = "", label, a = "", b = ""] = line.split("\t");
      return { kind, label: label === "1" ? 1 : 0, a, b };
    });
}

/** All pairs within each block of meanings: of one line the same, of two lines not. */
export function readMeanings(text: string): Pair[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const lines = block.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const prompts = lines.flatMap((line, meaning) => line.split(" | ").map((prompt) => ({ prompt, meaning })));
    return prompts.flatMap((one, at) =>
      prompts.slice(at + 1).map((other): Pair => {
        const same = one.meaning === other.meaning;
        return { kind: same ? "paraphrase" : "aspect", label: same ? 1 : 0, a: one.prompt, b: other.prompt };
      }),
    );
  });
}
