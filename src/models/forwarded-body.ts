/** A body that is handed on as it came, or with another name of its model. */
export interface ForwardedForm {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly model: string;
  /** The same body with another model. */
  named(model: string): ForwardedForm;
}

/** What is sent to another path of an endpoint: the bytes of JSON, or a body whose model is known. */
export type ForwardedBody = Uint8Array | ForwardedForm;

/** A JSON body of a known model. */
export function jsonBody(bytes: Uint8Array, model: string): ForwardedForm {
  const named = (name: string) => jsonBody(Buffer.from(JSON.stringify({ ...parsed(bytes), model: name })), name);
  return { contentType: "application/json", bytes, model, named };
}

/** A body whose model is known. */
export function toNamed(body: ForwardedBody): ForwardedForm {
  return body instanceof Uint8Array ? jsonBody(body, parsed(body).model) : body;
}

/** The body with the name by which its endpoint knows the model. */
export function renameForwarded(body: ForwardedBody, nameOf: (model: string) => string): ForwardedBody {
  const known = toNamed(body);
  const name = nameOf(known.model);
  return name === known.model ? body : known.named(name);
}

function parsed(bytes: Uint8Array): { readonly model: string } {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as { readonly model: string };
}
