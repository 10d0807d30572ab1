import { MarrowError } from "../../errors.ts";
import type { Fields } from "../../internal/fields.ts";
import { createJsonEnd } from "../../internal/json-end.ts";
import { joinedName } from "../../models/index.ts";

/** A tool call that becomes a block. */
export interface CallBlock {
  readonly id: string;
  name: string;
  /** The part of its input that was not sent yet. */
  held: string;
  state: "held" | "open" | "closed";
  /** The field of a chat's call that has its input: `input` is the text of a custom tool. */
  readonly field: "arguments" | "input";
  /** Whether its input begins as an object does; `undefined` while there is none. */
  isObject: boolean | undefined;
  /** Returns true once its input is complete, so that another block may begin. */
  readonly isWhole: () => boolean;
}

/** The tool calls of one message while their parts arrive. Each is found by its `index` in the upstream's list of tool calls. */
export interface CallBlocks {
  /** Returns the number of calls. */
  readonly size: () => number;
  /**
   * Adds a part of a call; returns the call, and whether it is new. @throws MarrowError `model_failed` for a part of a call that has ended
   */
  add(delta: Fields, index: number): { readonly call: CallBlock; readonly isNew: boolean };
}

/** Collects the parts of calls. `made`: prefix of an id for a call without one. */
export function createCallBlocks(made: () => string): CallBlocks {
  const calls = new Map<number, CallBlock & { readonly isMade: boolean; readonly grow: (piece: string) => void }>();
  let count = 0;

  function begin(index: number, given: string, field: CallBlock["field"]) {
    const end = createJsonEnd();
    const call = {
      id: given === "" ? `${made()}${count}` : given,
      isMade: given === "",
      name: "",
      held: "",
      state: "held" as CallBlock["state"],
      field,
      isObject: undefined as boolean | undefined,
      // A custom tool's text has no end of its own: it is whole where something else begins.
      isWhole: field === "input" ? () => true : end.isWhole,
      grow: end.add,
    };
    count += 1;
    calls.set(index, call);
    return call;
  }

  return {
    size: () => count,
    add(delta, index) {
      const field = delta["function"] == null && delta["custom"] != null ? "input" : "arguments";
      const named = (delta["function"] ?? delta["custom"] ?? {}) as Fields;
      const given = typeof delta["id"] === "string" ? delta["id"] : "";
      const known = calls.get(index);
      // A new id at a known index begins another call; empty fields change nothing.
      const isNew = known === undefined || (given !== "" && given !== known.id && !known.isMade);
      const call = isNew ? begin(index, given, field) : known;
      if (call.state === "held") call.name = joinedName(call.name, named["name"], call.held !== "");
      const more = named[call.field];
      const piece = typeof more === "string" ? more : more === undefined || more === null ? "" : JSON.stringify(more);
      if (piece === "") return { call, isNew };
      if (call.state === "closed") {
        if (piece.trim() === "" && call.field === "arguments") return { call, isNew };
        throw new MarrowError("model_failed", "the model's endpoint sent more of a tool call that had ended", {
          details: { status: 502 },
        });
      }
      call.held += piece;
      call.grow(piece);
      return { call, isNew };
    },
  };
}
