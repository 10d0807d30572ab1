/**
 * Returns true for a variable that Kubernetes (or Docker's old links) sets in every container for a Service: with a Service named `marrow`,
 * containers get `MARROW_PORT=tcp://10.0.0.7:80`, which overrides the image's `MARROW_PORT=8080`. Such variables are ignored.
 */
export function isServiceLink(name: string, value: string): boolean {
  return LINKED_NAME.test(name) || (name.endsWith("_PORT") && LINKED_VALUE.test(value));
}

/** `MARROW_SERVICE_HOST`, `MARROW_SERVICE_PORT_HTTP`, `MARROW_PORT_80_TCP`, `MARROW_PORT_80_TCP_ADDR`. */
const LINKED_NAME =
  /_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;
const LINKED_VALUE = /^(?:tcp|udp|sctp):\/\//;
