import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError } from "./api.ts";
import { ago } from "./format.ts";

type Children = { readonly children?: ComponentChildren };

/** A part of a page under a heading. */
export function Card({ title, aside, children }: Children & { title: string; aside?: ComponentChildren }): JSX.Element {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="card-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** A number with its name and a note. */
export function Stat({
  name,
  value,
  note,
  tone,
}: {
  name: string;
  value: string;
  note?: ComponentChildren;
  tone?: Tone | undefined;
}): JSX.Element {
  return (
    <div class={`stat ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd>
        <span class="stat-value">{value}</span>
        {note !== undefined && <span class="stat-note">{note}</span>}
      </dd>
    </div>
  );
}

export type Tone = "good" | "warn" | "bad" | "plain";

/** A coloured word; the colour carries no additional information. */
export function Badge({ tone = "plain", children }: Children & { tone?: Tone | undefined }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Hint for an empty list. */
export function Empty({ title, children }: Children & { title: string }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** An error, in the gateway's words. */
export function Failure({ error }: { error: ApiError | undefined }): JSX.Element | null {
  if (error === undefined) return null;
  return (
    <p class="failure" role="alert">
      <strong>{error.code}</strong> {error.message}
    </p>
  );
}

/** A column of a table. */
export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  readonly isNumber?: boolean;
  /** Takes a whole line of a narrow screen. */
  readonly isWide?: boolean;
}

/** Rows under named columns. Scrolls sideways by itself where it is wider than its place; on a narrow screen each row is a block, its values under their names. */
export function Table<T>({
  label,
  columns,
  rows,
  keyOf,
}: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
}): JSX.Element {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, isNumber }) => (
              <th key={name} role="columnheader" scope="col" class={isNumber === true ? "number" : ""}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ name, cell, isNumber, isWide }) => (
                <td
                  key={name}
                  role="cell"
                  data-name={name}
                  class={isNumber === true ? "number" : isWide === true ? "wide" : ""}
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A moment as "3 min ago", with the whole time for those who point at it. */
export function Moment({ atMs, nowMs = Date.now() }: { atMs: number; nowMs?: number }): JSX.Element {
  const iso = new Date(atMs).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {ago(atMs, nowMs)}
    </time>
  );
}

/** A labelled text field. */
export function Field({
  label,
  value,
  onValue,
  isSecret = false,
  placeholder = "",
  required = false,
}: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  isSecret?: boolean;
  placeholder?: string;
  required?: boolean;
}): JSX.Element {
  const id = useId();
  const more = {
    id,
    placeholder,
    required,
    value,
    maxLength: 512,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {isSecret ? (
        <input type="password" autoComplete="current-password" {...more} />
      ) : (
        <input type="text" autoComplete="off" {...more} />
      )}
    </div>
  );
}

/** A labelled text of several lines, such as a prompt. */
export function TextField({
  label,
  value,
  onValue,
  rows = 2,
  placeholder = "",
  required = false,
}: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  rows?: number;
  placeholder?: string;
  required?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        maxLength={100_000}
        placeholder={placeholder}
        required={required}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </div>
  );
}

/** A labelled choice of one. */
export function Choice({
  label,
  value,
  options,
  onValue,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onValue: (value: string) => void;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A button for an irreversible act, which asks for confirmation in its place. */
export function Confirm({
  label,
  question,
  onYes,
  disabled,
}: {
  label: string;
  question: string;
  onYes: () => void;
  disabled?: boolean;
}): JSX.Element {
  const [asking, setAsking] = useState(false);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asking) yes.current?.focus();
  }, [asking]);
  if (!asking)
    return (
      <button type="button" class="quiet" disabled={disabled} onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  return (
    <span class="confirm">
      <span>{question}</span>
      <button
        type="button"
        class="danger"
        ref={yes}
        onClick={() => {
          setAsking(false);
          onYes();
        }}
      >
        Yes
      </button>
      <button type="button" class="quiet" onClick={() => setAsking(false)}>
        No
      </button>
    </span>
  );
}

/** Links between views of one list. */
export function Tabs({
  label,
  now,
  tabs,
  hrefOf,
}: {
  label: string;
  now: string;
  tabs: readonly string[];
  hrefOf: (tab: string) => string;
}): JSX.Element {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab} href={hrefOf(tab)} {...(tab === now && { "aria-current": "true" as const })}>
          {tab}
        </a>
      ))}
    </div>
  );
}

/** Links to the first page of a list and the next one; nothing where there is one page. */
export function Pager({ first, next }: { first: string | undefined; next: string | undefined }): JSX.Element | null {
  if (first === undefined && next === undefined) return null;
  return (
    <p class="pager">
      {first !== undefined && <a href={first}>First page</a>}
      {next !== undefined && <a href={next}>Next page</a>}
    </p>
  );
}

/** Content, if it may be shown. */
export function Content({ hidden, value }: { hidden: boolean; value: unknown }): JSX.Element {
  if (hidden)
    return (
      <p class="hint">
        What it was asked and what came of it are hidden. <code>dashboard.content: "visible"</code> in the configuration
        shows them.
      </p>
    );
  return (
    <pre role="region" aria-label="Content" tabIndex={0}>
      {JSON.stringify(value, undefined, 2)}
    </pre>
  );
}
