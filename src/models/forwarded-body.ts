/** A form that is handed on as it came, or with another name of its model. */
export interface ForwardedForm {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly model: string;
  /** The same form with another model. */
  named(model: string): ForwardedForm;
}

/** What is sent to another path of an endpoint: JSON, or a form. */
export type ForwardedBody = Uint8Array | ForwardedForm;

/** The body with the name by which its endpoint knows the model. */
export function renameForwarded(body: ForwardedBody, nameOf: (model: string) => string): ForwardedBody {
  if (!(body instanceof Uint8Array)) {
    const name = nameOf(body.model);
    return name === body.model ? body : body.named(name);
  }
  const request = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly model: string };
  const name = nameOf(request.model);
  return name === request.model ? body : Buffer.from(JSON.stringify({ ...request, model: name }));
}
