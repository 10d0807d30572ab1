/**
 * A caller's listener to errors, which itself makes none: what it throws, or rejects with, is nobody's to hear, and must not end a loop that
 * waits for work.
 */
export function toListener(listen: (error: unknown) => unknown): (error: unknown) => void {
  // There is nobody else to tell.
  return (failure) => void hear(listen, failure).catch(() => {});
}

async function hear(listen: (error: unknown) => unknown, error: unknown): Promise<void> {
  await listen(error);
}
