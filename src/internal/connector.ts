import { Agent, buildConnector, getGlobalDispatcher, type Dispatcher } from "undici";
import { withoutInterim } from "./interim-heads.ts";
import { withQuietOverflow } from "./quiet-overflow.ts";

/** Makes the connector of every client of HTTP here: undici's, that bears what servers send beyond or before their answer. */
export function createConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  return withoutInterim(withQuietOverflow(buildConnector(options)));
}

const initial = getGlobalDispatcher();
let shared: Agent | undefined;

/**
 * Returns the dispatcher for requests without a pool of their own: one with the connector above. If the program replaced undici's global
 * dispatcher, for example by that of a proxy, returns that one.
 */
export function sharedDispatcher(): Dispatcher {
  const given = getGlobalDispatcher();
  if (given !== initial || given.constructor.name !== "Agent") return given;
  return (shared ??= new Agent({ connect: createConnector({}) }));
}
