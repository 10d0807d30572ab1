/**
 * Returns the message for a user whose Node is too old, or nothing. This file and `main.ts` use only syntax of old versions and import
 * nothing else: such a Node would fail on any other file with a SyntaxError.
 */
export function nodeComplaint(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return undefined;
  return `Marrow needs Node 22.19 or newer, and this is Node ${version}. See https://nodejs.org/en/download`;
}
