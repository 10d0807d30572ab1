import type { JSX } from "preact";
import type { CallTreeAnswer, TreeMessageAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { withQuery } from "../api.ts";
import { count, duration } from "../format.ts";
import { useAsked } from "../hooks.ts";
import { Badge, Card, Empty, Failure, Moment } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

const SHOWN_MAX = 12;

/** The last requests that led agents to ask others, and one of them as a tree. */
export function CallTrees({ scope, place }: PageProps): JSX.Element {
  const { data, error } = useAsked<ListAnswer<CallTreeAnswer>>(withQuery("/trees", { scope }), 5_000);
  const trees = data?.data ?? [];
  const id = place.query.get("tree") ?? trees[0]?.id;
  return (
    <Card title="Call trees" aside={<span class="hint">a message, and all that was sent in handling it</span>}>
      <Failure error={error} />
      {data !== undefined && trees.length === 0 && (
        <Empty title="No agent asked another one in handling a message">
          letter.request(…) within a handler of bus.register does; deadline, hops and budget hold for the whole tree.
        </Empty>
      )}
      {trees.length > 0 && (
        <div class="tabs" role="group" aria-label="Call trees">
          {trees.slice(0, SHOWN_MAX).map((tree) => (
            <a
              key={tree.id}
              href={hrefOf("agents", [], { tree: tree.id })}
              {...(tree.id === id && { "aria-current": "true" as const })}
            >
              <Moment atMs={tree.at_ms} />
            </a>
          ))}
        </div>
      )}
      {id !== undefined && <OneTree scope={scope} id={id} />}
    </Card>
  );
}

function OneTree({ scope, id }: { scope: string; id: string }): JSX.Element {
  const { data, error } = useAsked<ListAnswer<TreeMessageAnswer>>(
    withQuery(`/trees/${encodeURIComponent(id)}`, { scope }),
    3_000,
  );
  const messages = data?.data ?? [];
  const known = new Set(messages.map((message) => message.id));
  // A message whose parent is gone stands at the root.
  const roots = messages.filter(({ parent }) => parent === undefined || !known.has(parent));
  return (
    <>
      <Failure error={error} />
      <ul class="tree">
        {roots.map((message) => (
          <Branch key={message.id} message={message} all={messages} />
        ))}
      </ul>
    </>
  );
}

function Branch({ message, all }: { message: TreeMessageAnswer; all: readonly TreeMessageAnswer[] }): JSX.Element {
  const { id, from, to, state, reason, sent_at_ms: sentMs, ended_at_ms: endedMs, tokens, deliveries } = message;
  const below = all.filter(({ parent }) => parent === id);
  const tone = state === "handled" ? "good" : state === "bounced" || state === "expired" ? "bad" : "plain";
  return (
    <li>
      <div class="row">
        <span>
          <small>{from ?? "somebody"} →</small> <strong>{to}</strong>
        </span>
        <Badge tone={tone}>{reason === undefined ? state : `${state}: ${reason}`}</Badge>
        <span class="hint">
          {endedMs === undefined ? "goes on" : duration(endedMs - sentMs)}
          {tokens > 0 && `, given ${count(tokens)} tokens`}
          {deliveries > 1 && `, delivered ${count(deliveries)} times`}
        </span>
      </div>
      {below.length > 0 && (
        <ul>
          {below.map((one) => (
            <Branch key={one.id} message={one} all={all} />
          ))}
        </ul>
      )}
    </li>
  );
}
