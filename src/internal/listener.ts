/** Wraps a caller's error listener so that its own errors are ignored and cannot end a loop that waits for work. */
export function toListener(listen: (error: unknown) => unknown): (error: unknown) => void {
  // There is no one to report it to.
  return (failure) => void hear(listen, failure).catch(() => {});
}

async function hear(listen: (error: unknown) => unknown, error: unknown): Promise<void> {
  await listen(error);
}
