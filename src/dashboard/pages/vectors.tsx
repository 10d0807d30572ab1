import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type {
  FoundChunkAnswer,
  StoreAnswer,
  StoreFileAnswer,
  VectorsAnswer,
} from "../../gateway/admin/answers-roles.ts";
import type { ListAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { bytes, count } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Choice, Empty, Failure, Field, Moment, Pager, Stat, Table } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import { Collections, Migrations } from "./collections.tsx";
import type { PageProps } from "./page.ts";

/** Words of the filter by what OpenAI's filters call them. */
const COMPARISONS = new Map([
  ["is", "eq"],
  ["is not", "ne"],
  ["at least", "gte"],
  ["at most", "lte"],
]);

/** The vector stores of a scope, their files, and a search that shows its scores. */
export function VectorsPage(props: PageProps): JSX.Element {
  const [store] = props.place.rest;
  return store === undefined ? <AllStores {...props} /> : <OneStore {...props} store={store} />;
}

function AllStores(props: PageProps): JSX.Element {
  const { scope, place } = props;
  const after = place.query.get("after") ?? undefined;
  const engine = useAsked<VectorsAnswer>("/vectors");
  const { data, error } = useAsked<ListAnswer<StoreAnswer>>(withQuery("/vectors/stores", { scope, after }), 10_000);
  return (
    <>
      <Card title="How vectors are found">
        <Failure error={engine.error} />
        {engine.data !== undefined && (
          <dl class="stats">
            <Stat name="Engine" value={engine.data.engine} note={engine.data.why} />
            <Stat
              name="Search indexes"
              value={count(engine.data.indexes)}
              note={`of at most ${count(engine.data.indexes_max)}`}
            />
            <Stat
              name="Dimensions"
              value={engine.data.embedder === null ? "–" : count(engine.data.embedder.dimensions)}
              note={engine.data.embedder?.name ?? "there is no embedder"}
            />
          </dl>
        )}
      </Card>
      <Card title="Vector stores of this scope">
        <Failure error={error} />
        {data?.data.length === 0 && (
          <Empty title="This scope has no vector store">
            POST /v1/vector_stores makes one, as with OpenAI's clients: upload a file at /v1/files, attach it, and
            search it here.
          </Empty>
        )}
        {data !== undefined && data.data.length > 0 && (
          <Table
            label="Vector stores"
            rows={data.data}
            keyOf={({ id }) => id}
            columns={[
              { name: "Store", cell: ({ id, name }) => <a href={hrefOf("vectors", [id])}>{name || id}</a> },
              {
                name: "State",
                cell: ({ status }) => <Badge tone={status === "completed" ? "good" : "warn"}>{status}</Badge>,
              },
              { name: "Files", isNumber: true, cell: ({ files }) => count(sum(files)) },
              { name: "Failed", isNumber: true, cell: ({ files }) => count(files["failed"] ?? 0) },
              { name: "Text", isNumber: true, cell: ({ bytes: size }) => bytes(size) },
              { name: "Owner", cell: ({ owner }) => owner ?? "the scope" },
              { name: "Used last", cell: ({ active_at_ms: atMs }) => <Moment atMs={atMs} /> },
            ]}
          />
        )}
        <Pager
          first={after === undefined ? undefined : hrefOf("vectors")}
          next={data?.next && hrefOf("vectors", [], { after: data.next })}
        />
      </Card>
      <Collections {...props} />
      <Migrations {...props} />
    </>
  );
}

function sum(files: StoreAnswer["files"]): number {
  return Object.values(files).reduce((all, one) => all + one, 0);
}

function OneStore(props: PageProps & { store: string }): JSX.Element {
  const { scope, place, store } = props;
  const after = place.query.get("after") ?? undefined;
  const path = `/vectors/stores/${encodeURIComponent(store)}`;
  const about = useAsked<StoreAnswer>(withQuery(path, { scope }));
  const { data, error } = useAsked<ListAnswer<StoreFileAnswer>>(withQuery(`${path}/files`, { scope, after }), 5_000);
  return (
    <>
      <Search {...props} />
      <Card title={`Files of ${about.data?.name || store}`} aside={<a href={hrefOf("vectors")}>All vector stores</a>}>
        <Failure error={about.error ?? error} />
        {data?.data.length === 0 && (
          <Empty title="No file is attached">POST /v1/vector_stores/{store}/files attaches an uploaded one.</Empty>
        )}
        {data !== undefined && data.data.length > 0 && (
          <Table
            label="Files"
            rows={data.data}
            keyOf={({ id }) => id}
            columns={[
              { name: "File", cell: ({ filename }) => filename },
              {
                name: "State",
                cell: ({ status, error: why }) => (
                  <Badge tone={status === "completed" ? "good" : status === "failed" ? "bad" : "warn"}>
                    {why === undefined ? status : `${status}: ${why}`}
                  </Badge>
                ),
              },
              { name: "Chunks", isNumber: true, cell: ({ chunks }) => count(chunks) },
              { name: "Text", isNumber: true, cell: ({ bytes: size }) => bytes(size) },
              { name: "Attributes", isWide: true, cell: ({ attributes }) => <Attributes of={attributes} /> },
            ]}
          />
        )}
        <Pager
          first={after === undefined ? undefined : hrefOf("vectors", [store])}
          next={data?.next && hrefOf("vectors", [store], { after: data.next })}
        />
      </Card>
    </>
  );
}

function Attributes({ of }: { of: StoreFileAnswer["attributes"] }): JSX.Element {
  const all = Object.entries(of);
  return <>{all.length === 0 ? "–" : all.map(([name, value]) => `${name}: ${String(value)}`).join(", ")}</>;
}

function Search({ scope, canAct, store }: PageProps & { store: string }): JSX.Element {
  const [query, setQuery] = useState("");
  const [name, setName] = useState("");
  const [how, setHow] = useState("is");
  const [value, setValue] = useState("");
  const [by, setBy] = useState("meaning and words");
  const [found, setFound] = useState<readonly FoundChunkAnswer[]>();
  const { busy, error, act } = useActing();
  const search = () =>
    act(async () => {
      const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
      const filter = { type: COMPARISONS.get(how), key: name.trim(), value: isNumber ? Number(value) : value };
      const path = withQuery(`/vectors/stores/${encodeURIComponent(store)}/search`, { scope });
      const body = { query, words: by !== "meaning", ...(name.trim() !== "" && { filter }) };
      setFound((await call<ListAnswer<FoundChunkAnswer>>("POST", path, body)).data);
    });
  return (
    <Card title="Search this store" aside={<span class="hint">as a client would, with the scores</span>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (query.trim() !== "") void search();
        }}
      >
        <div class="fields">
          <Field
            label="Question"
            placeholder="how long does a refund take?"
            required
            value={query}
            onValue={setQuery}
          />
          <Choice label="By" value={by} options={["meaning and words", "meaning"]} onValue={setBy} />
        </div>
        <div class="fields">
          <Field label="Only where the attribute" placeholder="any" value={name} onValue={setName} />
          <Choice label="Comparison" value={how} options={[...COMPARISONS.keys()]} onValue={setHow} />
          <Field label="Value" value={value} onValue={setValue} />
        </div>
        <button type="submit" class="primary" disabled={!canAct || busy}>
          Search
        </button>
      </form>
      <Failure error={error} />
      <div aria-live="polite">
        {found?.length === 0 && <Empty title="No chunk fits">Try other words, or leave the filter out.</Empty>}
        {found !== undefined && found.length > 0 && (
          <ol class="found">
            {found.map(({ file, filename, score, attributes, text, hidden }, nth) => (
              <li key={`${file} ${nth}`}>
                <div class="row">
                  <strong>{filename}</strong>
                  <span class="hint">
                    <Attributes of={attributes} />
                  </span>
                  <Badge tone={score >= 0.5 ? "good" : "plain"}>{score.toFixed(3)}</Badge>
                </div>
                {hidden ? <p class="hint">Its text is hidden.</p> : <p class="answer">{text}</p>}
              </li>
            ))}
          </ol>
        )}
      </div>
    </Card>
  );
}
