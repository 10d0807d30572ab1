import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call } from "./api.ts";

/** What a page knows of a route. */
export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly refresh: () => void;
}

/** Asks a route now, again every `everyMs` while the page is seen, and whenever `refresh` is called. An absent path asks nothing. */
export function useAsked<T>(path: string | undefined, everyMs?: number): Asked<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: ApiError }>({});
  const [turn, setTurn] = useState(0);
  const refresh = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    if (path === undefined) return undefined;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (!document.hidden) {
        try {
          const data = await call<T>("GET", path, undefined, gone.signal);
          setState({ path, data });
        } catch (error) {
          if (gone.signal.aborted) return;
          // What was known stays on the screen, with what is wrong now above it.
          setState((before) => ({ ...(before.path === path && before), path, error: error as ApiError }));
        }
      }
      if (everyMs !== undefined && !gone.signal.aborted) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, turn]);
  return {
    data: state.path === path ? state.data : undefined,
    error: state.path === path ? state.error : undefined,
    refresh,
  };
}

/** An act: whether it goes on, and how it failed last. */
export interface Acting {
  readonly busy: boolean;
  readonly error: ApiError | undefined;
  /** Runs an act, one at a time; answers whether it was done. */
  readonly act: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** Runs acts of a page and keeps what went wrong, to be shown beside the button. */
export function useActing(): Acting {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const running = useRef(false);
  const act = useCallback(async (work: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (failed) {
      setError(failed instanceof ApiError ? failed : new ApiError(0, "failed", String(failed)));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, error, act };
}
