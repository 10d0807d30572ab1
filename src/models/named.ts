import { renameForwarded } from "./forwarded-body.ts";
import type { ChatModel, ModelCall } from "./model.ts";

/**
 * Gives a model other ids than its endpoint's: with `{ "gpt-5": "my-deployment" }` clients request `gpt-5`, and the endpoint gets
 * `my-deployment`. Only these ids are served.
 */
export function renameModels<M extends ChatModel>(model: M, names: Readonly<Record<string, string>>): M {
  const known = new Map(Object.entries(names));

  /** Renames the model of a call to the endpoint's name, which excludes reusing the client's bytes. */
  function rename(call: ModelCall): ModelCall {
    const { request } = call;
    const name = known.get(request.model) ?? request.model;
    return name === request.model ? call : { ...call, request: { ...request, model: name }, body: undefined };
  }

  const forward = model.forward?.bind(model);
  return {
    ...model,
    serves: (id) => known.has(id),
    async list() {
      const listed = new Map((await model.list()).map((info) => [info.id, info]));
      return [...known].map(([id, name]) => ({ ...(listed.get(name) ?? { owned_by: "upstream", created: 0 }), id }));
    },
    complete: (call) => model.complete(rename(call)),
    stream: (call) => model.stream(rename(call)),
    ...(forward !== undefined && {
      forward: (path, body, signal, deadlineMs, asker) =>
        forward(
          path,
          renameForwarded(body, (id) => known.get(id) ?? id),
          signal,
          deadlineMs,
          asker,
        ),
    }),
  };
}
