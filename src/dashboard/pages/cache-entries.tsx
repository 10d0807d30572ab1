import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { CacheEntryAnswer, CacheEntryDetailAnswer } from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Confirm, Content, Empty, Failure, Field, Moment, Pager, Table } from "../parts.tsx";
import { go, hrefOf } from "../place.ts";
import type { PageProps } from "./page.ts";

/** Stored answers to a user's questions, found by words; one with its wordings, hits, tags and life. */
export function Entries({ scope, canAct, place }: PageProps): JSX.Element {
  const user = place.query.get("user") ?? "";
  const words = place.query.get("words") ?? "";
  const after = place.query.get("after") ?? undefined;
  const chosen = place.query.get("entry") ?? undefined;
  const [whose, setWhose] = useState(user);
  const [wanted, setWanted] = useState(words);
  const here = { ...(user !== "" && { user }), ...(words !== "" && { words }) };
  const { data, error, refresh } = useAsked<ListAnswer<CacheEntryAnswer>>(
    user === "" ? undefined : withQuery("/cache/entries", { scope, user, words: words || undefined, after }),
  );
  return (
    <Card title="Stored answers" aside={<span class="hint">of one user's questions</span>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const query = { ...(whose.trim() && { user: whose.trim() }), ...(wanted.trim() && { words: wanted.trim() }) };
          go(hrefOf("cache", [], query));
        }}
      >
        <div class="fields">
          <Field label="Asked by" placeholder="a user of the scope" required value={whose} onValue={setWhose} />
          <Field label="Words in the question" placeholder="any" value={wanted} onValue={setWanted} />
          <button type="submit">Find</button>
        </div>
      </form>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="Nothing was found">
          {data.next === undefined
            ? "Answers end after the life that the preset gives them."
            : "There is more to look through."}
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Stored answers"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "Question",
              cell: ({ id, prompt }) => <a href={hrefOf("cache", [], { ...here, entry: id })}>{prompt ?? id}</a>,
            },
            { name: "Stored", cell: ({ stored_at_ms: atMs }) => <Moment atMs={atMs} /> },
            { name: "Ends", cell: ({ ends_at_ms: atMs }) => <Moment atMs={atMs} /> },
            { name: "Tags", cell: ({ tags }) => tags.map((tag) => <Badge key={tag}>{tag}</Badge>) },
          ]}
        />
      )}
      <Pager
        first={after === undefined ? undefined : hrefOf("cache", [], here)}
        next={data?.next && hrefOf("cache", [], { ...here, after: data.next })}
      />
      {chosen !== undefined && <Entry scope={scope} id={chosen} canAct={canAct} onForgotten={refresh} />}
    </Card>
  );
}

function Entry({
  scope,
  id,
  canAct,
  onForgotten,
}: {
  scope: string;
  id: string;
  canAct: boolean;
  onForgotten: () => void;
}): JSX.Element {
  const path = withQuery(`/cache/entries/${encodeURIComponent(id)}`, { scope });
  const { data, error, refresh } = useAsked<CacheEntryDetailAnswer>(path);
  const { busy, error: failed, act } = useActing();
  return (
    <section aria-label="Stored answer">
      <h3>
        <code>{id}</code>
      </h3>
      <Failure error={error ?? failed} />
      {data !== undefined && (
        <>
          <dl class="facts">
            <div class="fact">
              <dt>served</dt>
              <dd>{data.hits === null ? "counted in a cache with bounds alone" : `${count(data.hits)} times`}</dd>
            </div>
            <div class="fact">
              <dt>other wordings</dt>
              <dd>{data.aliases?.join(" · ") || count(data.aliases_count)}</dd>
            </div>
            <div class="fact">
              <dt>ends</dt>
              <dd>
                <Moment atMs={data.ends_at_ms} />
              </dd>
            </div>
          </dl>
          <h3>Question and answer</h3>
          <Content hidden={data.hidden} value={{ question: data.prompt, answer: data.answer }} />
          <Confirm
            label="Forget"
            question="Forget this answer, with its wordings?"
            disabled={!canAct || busy}
            onYes={() =>
              void act(() => call("DELETE", path)).then((done) => {
                if (!done) return;
                refresh();
                onForgotten();
              })
            }
          />
        </>
      )}
    </section>
  );
}
