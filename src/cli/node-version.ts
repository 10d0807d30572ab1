/**
 * What to tell a person whose Node is too old, or nothing. This file and `main.ts` use only what old versions can parse and import nothing more:
 * any other file would end such a Node with a SyntaxError.
 */
export function nodeComplaint(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return undefined;
  return `Marrow needs Node 22.19 or newer, and this is Node ${version}. See https://nodejs.org/en/download`;
}
