import { MarrowError } from "../../errors.ts";
import { endAfterAnswers, type Connection } from "./answers-before.ts";
import { toErrorAnswer } from "./error-body.ts";
import { toRawAnswer } from "./raw-answer.ts";

/**
 * Answers what Node's HTTP parser refused, in the shape of every other error, and ends the connection. The requests before it are answered
 * first. If its own response has begun, or an earlier one ended the connection, nothing more is written.
 */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Connection): void {
  if (error.code === "ECONNRESET") return;
  const [status, reason, words] = MALFORMED.get(error.code ?? "") ?? [400, "Bad Request", "the request is malformed"];
  const { body } = toErrorAnswer(new MarrowError("invalid_input", words));
  // Whatever comes behind it cannot be read either.
  endAfterAnswers(socket, toRawAnswer({ status, headers: {}, body }, reason));
}

const MALFORMED: ReadonlyMap<string, readonly [number, string, string]> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "Request Timeout", "the request took too long to arrive"]],
  ["HPE_HEADER_OVERFLOW", [431, "Request Header Fields Too Large", "the request's headers are too large"]],
]);
