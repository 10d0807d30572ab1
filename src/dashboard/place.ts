import { useEffect, useState } from "preact/hooks";

/** Location in the dashboard: `/dashboard/<page>/<rest>?query`. */
export interface Place {
  readonly page: string;
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** The scope that all pages look at, kept in every link. */
export function hrefOf(
  page: string,
  rest: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const scope = new URLSearchParams(location.search).get("scope");
  const params = new URLSearchParams({ ...(scope !== null && { scope }), ...query });
  const path = ["/dashboard", page, ...rest.map(encodeURIComponent)].filter((part) => part !== "").join("/");
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Goes to a place without reloading the document. */
export function go(href: string): void {
  history.pushState(null, "", href);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** Parses the place from an address. Pure. */
export function toPlace({ pathname, search }: { readonly pathname: string; readonly search: string }): Place {
  const [, , page = "", ...rest] = pathname.split("/");
  return { page, rest: rest.filter((part) => part !== "").map(decode), query: new URLSearchParams(search) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The place now, anew whenever it changes. Links of the dashboard are followed without loading it again. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => toPlace(location));
  useEffect(() => {
    const onChange = () => setPlace(toPlace(location));
    const onClick = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (link === null || !isPlain || event.defaultPrevented || link.target !== "" || link.hash !== "") return;
      if (link.origin !== location.origin || !/^\/dashboard(?:\/|$)/.test(link.pathname)) return;
      event.preventDefault();
      go(link.pathname + link.search);
    };
    addEventListener("popstate", onChange);
    document.addEventListener("click", onClick);
    return () => {
      removeEventListener("popstate", onChange);
      document.removeEventListener("click", onClick);
    };
  }, []);
  return place;
}
