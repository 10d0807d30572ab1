import { buildConnector } from "undici";
import { withoutInterim } from "./interim-heads.ts";
import { withQuietOverflow } from "./quiet-overflow.ts";

/** Makes the connector of every client of HTTP here: undici's, that bears what servers send beyond or before their answer. */
export function createConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  return withoutInterim(withQuietOverflow(buildConnector(options)));
}
