import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, withQuery } from "./api.ts";

/** State of a request to a route. */
export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly refresh: () => void;
}

/** Requests a route now, every `everyMs` while the page is visible, and whenever `refresh` is called. An absent path requests nothing. */
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
          // The last data stays visible, below the current error.
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

/**
 * The same with live data: server-sent events while the page is visible, one stream at a time. Until the first event, and without a stream,
 * the route is polled every `everyMs`.
 */
export function useLive<T>(of: "overview" | "queues", scope: string, path: string, everyMs: number): Asked<T> {
  const [live, setLive] = useState<{ readonly path: string; readonly data: T }>();
  const isLive = live?.path === path;
  const asked = useAsked<T>(path, isLive ? undefined : everyMs);
  useEffect(() => {
    let stream: EventSource | undefined;
    const close = () => {
      stream?.close();
      stream = undefined;
      setLive(undefined);
    };
    const follow = () => {
      if (document.hidden) return close();
      if (stream !== undefined) return;
      const opened = new EventSource(withQuery("/v1/admin/live", { of, scope }));
      opened.addEventListener("message", ({ data }: MessageEvent<string>) =>
        setLive({ path, data: JSON.parse(data) as T }),
      );
      // A stream that ended by itself comes back by itself; one that is refused is closed.
      opened.addEventListener("error", () => opened.readyState === EventSource.CLOSED && close());
      stream = opened;
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      close();
    };
  }, [of, scope, path]);
  const { refresh } = asked;
  return {
    data: isLive ? live.data : asked.data,
    error: isLive ? undefined : asked.error,
    refresh: useCallback(() => {
      // Data from before an act must not stay until the next event.
      setLive(undefined);
      refresh();
    }, [refresh]),
  };
}

/** An act of a page: whether it is running, and its last error. */
export interface Acting {
  readonly busy: boolean;
  readonly error: ApiError | undefined;
  /** Runs an act, one at a time; returns whether it succeeded. */
  readonly act: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** Runs acts of a page and keeps the last error, to show beside the button. */
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
