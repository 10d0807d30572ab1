/**
 * A caller's listener to errors, which itself makes none: what it throws, or rejects with, is nobody's to hear, and must not end a loop that
 * waits for work.
 */
export function toListener(onError: (error: unknown) => unknown): (error: unknown) => void {
  return (error) => {
    try {
      const heard = onError(error);
      if (heard instanceof Promise) heard.catch(() => {});
    } catch {
      // There is nobody else to tell.
    }
  };
}
