import type { Fields } from "../../internal/fields.ts";

/** Passes the deltas of tool calls that the request allows. */
export type CallFilter = (calls: readonly Fields[]) => readonly Fields[];

/**
 * Enforces `tool_choice`: with `none` no call passes, with `allowed_tools` only calls of the named tools. Endpoints may not support these,
 * and a client that restricts tools must be able to rely on it. A call is held back until its name is known.
 * @source Open Responses 2026-04-24, "allowed_tools": servers enforce it as a hard constraint
 */
export function createCallFilter(choice: unknown): CallFilter {
  const isAllowed = toRule(choice);
  if (isAllowed === undefined) return (calls) => calls;
  const states = new Map<number, State>();
  return (calls) =>
    calls.flatMap((call, place) => {
      const index = typeof call["index"] === "number" ? call["index"] : place;
      const id = textOf(call["id"]);
      let state = states.get(index);
      if (state === undefined || (id !== "" && state.id !== "" && id !== state.id)) {
        state = { id, passes: undefined, held: [] };
        states.set(index, state);
      }
      if (state.id === "") state.id = id;
      const delta = { ...call, index };
      if (state.passes === undefined) {
        const { function: called, custom } = call as Readonly<Record<string, Fields | null | undefined>>;
        const name = textOf((called ?? custom ?? {})["name"]);
        if (name === "") {
          state.held.push(delta);
          return [];
        }
        state.passes = isAllowed(called != null || custom == null ? "function" : "custom", name);
        const held = state.held.splice(0);
        return state.passes ? [...held, delta] : [];
      }
      return state.passes ? [delta] : [];
    });
}

interface State {
  id: string;
  /** Whether the call may pass; `undefined` until its name is known. */
  passes: boolean | undefined;
  readonly held: Fields[];
}

/** Returns the test for allowed calls; `undefined` if all are. */
function toRule(choice: unknown): ((type: string, name: string) => boolean) | undefined {
  if (choice === "none") return () => false;
  const { type, tools } = (choice ?? {}) as { readonly type?: unknown; readonly tools?: readonly Fields[] };
  if (type !== "allowed_tools" || !Array.isArray(tools)) return undefined;
  const named = new Set(tools.map((tool) => `${textOf(tool["type"])} ${textOf(tool["name"])}`));
  return (kind, name) => named.has(`${kind} ${name}`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
