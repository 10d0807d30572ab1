import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SessionAnswer, SignedOutAnswer } from "../gateway/admin/answers.ts";
import { ApiError, call, useToken, whenSignedOut } from "./api.ts";
import { useActing, useAsked } from "./hooks.ts";
import { Icon } from "./icons.tsx";
import { Failure, Field } from "./parts.tsx";
import { go, hrefOf, usePlace } from "./place.ts";
import { PAGES, type PageProps } from "./pages/pages.ts";

/** The whole dashboard: signs in, then shows the page that the address names. */
export function App(): JSX.Element {
  const [session, setSession] = useState<SessionAnswer | "asking" | undefined>("asking");
  const [told, setTold] = useState<ApiError>();
  useEffect(() => {
    whenSignedOut(() => setSession(undefined));
    void begin().then(
      (begun) => setSession(begun),
      (error: unknown) => {
        setSession(undefined);
        if (error instanceof ApiError) setTold(error);
      },
    );
  }, []);
  if (session === "asking") return <p class="asking">…</p>;
  if (session === undefined)
    return (
      <SignIn
        told={told}
        onDone={(begun) => {
          setTold(undefined);
          setSession(begun);
        }}
      />
    );
  return <Shell session={session} onOut={() => setSession(undefined)} />;
}

/** Uses the one-time link in the URL's fragment, which neither servers nor logs see; otherwise requests the current sign-in. */
async function begin(): Promise<SessionAnswer | undefined> {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (link === null) {
    const known = await call<SessionAnswer | SignedOutAnswer>("GET", "/session");
    return known.role === null ? undefined : useToken(known);
  }
  history.replaceState(null, "", location.pathname + location.search);
  return useToken(await call<SessionAnswer>("POST", "/session", { link }));
}

function SignIn({
  told,
  onDone,
}: {
  told: ApiError | undefined;
  onDone: (session: SessionAnswer) => void;
}): JSX.Element {
  const [key, setKey] = useState("");
  const { busy, error, act } = useActing();
  useEffect(() => {
    document.title = "Sign in · Marrow";
  }, []);
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void act(async () => onDone(useToken(await call<SessionAnswer>("POST", "/session", { key: key.trim() }))));
        }}
      >
        <img src="/dashboard/assets/icon.svg" alt="" width="44" height="44" />
        <h1>Marrow</h1>
        <p>Sign in with an API key whose role is admin or viewer.</p>
        <Field label="API key" isSecret required value={key} onValue={setKey} />
        <Failure error={error ?? told} />
        <button type="submit" class="primary" disabled={busy}>
          Sign in
        </button>
        <p class="hint">
          No key yet? The first start of the gateway prints one, and <code>marrow key create --role viewer</code> makes
          another.
        </p>
      </form>
    </main>
  );
}

function Shell({ session, onOut }: { session: SessionAnswer; onOut: () => void }): JSX.Element {
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const entry = PAGES.find(({ path }) => path === place.page);
  const scope = place.query.get("scope") ?? session.scope;
  const canAct = session.role === "admin";
  const name = entry?.name ?? "Not found";
  useEffect(() => {
    document.title = `${name} · Marrow`;
  }, [name]);
  const first = useRef(true);
  useEffect(() => {
    // Moves the focus to the new page for users of screen readers and keyboards, like loading a document.
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
    // On a narrow screen the navigation is a row that scrolls.
    document.querySelector('nav a[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [place.page]);
  const props = useMemo((): PageProps => ({ session, scope, canAct, place }), [session, scope, canAct, place]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href={hrefOf("")}>
          <img src="/dashboard/assets/icon.svg" alt="" width="28" height="28" />
          <span>Marrow</span>
        </a>
        <ScopeChoice scope={scope} />
        <div class="who">
          <span title={session.id}>
            {session.name} <em>{session.role}</em>
          </span>
          <button type="button" class="quiet" onClick={() => void call("DELETE", "/session").finally(onOut)}>
            Sign out
          </button>
        </div>
      </header>
      <nav aria-label="Pages">
        <ul>
          {PAGES.map(({ path, name: title, icon, begins }) => (
            <li key={path}>
              {begins !== undefined && (
                <span class="nav-group" aria-hidden="true">
                  {begins}
                </span>
              )}
              <a href={hrefOf(path)} {...(path === place.page && { "aria-current": "page" as const })}>
                <Icon name={icon} />
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        <div class="title">
          <h1>{name}</h1>
          {entry !== undefined && <p>{entry.about}</p>}
        </div>
        {!canAct && <p class="note">You are signed in as a viewer: you may look, and not act.</p>}
        {entry === undefined ? <p>There is no such page.</p> : <entry.Page key={`${place.page} ${scope}`} {...props} />}
      </main>
    </div>
  );
}

/** Selects the tenant of all pages: one with keys, or any that is typed. */
function ScopeChoice({ scope }: { scope: string }): JSX.Element {
  const { data } = useAsked<{ readonly data: readonly { readonly scope: string }[] }>("/keys");
  const [typed, setTyped] = useState(scope);
  useEffect(() => setTyped(scope), [scope]);
  const known = [...new Set((data?.data ?? []).map(({ scope: one }) => one))].filter((one) => one !== "").slice(0, 100);
  const set = (to: string) => {
    const url = new URL(location.href);
    url.searchParams.set("scope", to);
    go(url.pathname + url.search);
  };
  return (
    <form
      class="scope"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== "") set(typed.trim());
      }}
    >
      <label for="scope">Scope</label>
      <input
        id="scope"
        list="scopes"
        value={typed}
        maxLength={256}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => event.currentTarget.value.trim() !== "" && set(event.currentTarget.value.trim())}
      />
      <datalist id="scopes">
        {known.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </form>
  );
}
