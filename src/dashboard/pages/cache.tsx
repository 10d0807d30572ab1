import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { TracesAnswer } from "../../gateway/admin/answers-roles.ts";
import type { CacheAnswer, ExplainAnswer, OverviewAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { count, duration } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Choice, Confirm, Empty, Failure, Field, Moment, Stat, Table, TextField } from "../parts.tsx";
import { hrefOf } from "../place.ts";
import { Entries } from "./cache-entries.tsx";
import type { PageProps } from "./page.ts";
import { Precision } from "./precision.tsx";

/** Configuration of a scope's cache, and why it serves a prompt or not. */
export function Cache(props: PageProps): JSX.Element {
  const { data, error } = useAsked<CacheAnswer>(withQuery("/cache", { scope: props.scope }), 10_000);
  return (
    <>
      <Ask {...props} />
      <Entries {...props} />
      <NearMisses {...props} />
      <Card title="The cache of this scope">
        <Failure error={error} />
        {data?.enabled === false && (
          <Empty title="The cache is off">cache.enabled in the configuration switches it on.</Empty>
        )}
        {data !== undefined && (
          <dl class="stats">
            <Stat name="Preset" value={data.preset} note={data.semantic ? "exact and by meaning" : "exact only"} />
            <Stat name="Life of an answer" value={duration(data.ttl_ms)} />
            <Stat name="Shared by" value={data.per} note={`personal prompts: ${data.personal}`} />
            <Stat
              name="Audited"
              value={count(data.report?.audited ?? 0)}
              note={`${count(data.report?.wrong ?? 0)} wrong`}
            />
            <Stat
              name="Liked"
              value={count(data.report?.liked ?? 0)}
              note={`${count(data.report?.disliked ?? 0)} disliked`}
            />
            <Stat name="Withheld" value={count(data.report?.withheld ?? 0)} note="near, and not served by policy" />
          </dl>
        )}
        {data?.report !== undefined && <Precision curve={data.report.curve} />}
      </Card>
    </>
  );
}

/** Questions that were near to a stored one and not served, among the requests that were recorded. */
function NearMisses({ scope }: PageProps): JSX.Element {
  const { data, error } = useAsked<TracesAnswer>(withQuery("/traces", { scope, near: "true", limit: 10 }), 5_000);
  return (
    <Card title="Near misses" aside={<span class="hint">among the requests that were recorded</span>}>
      <Failure error={error} />
      {data?.data.length === 0 && (
        <Empty title="No near miss was recorded">
          {data.recording === "off"
            ? "dashboard.traces is off in the configuration."
            : "A question that is near to a stored one and not served is listed here with the reason."}
        </Empty>
      )}
      {data !== undefined && data.data.length > 0 && (
        <Table
          label="Near misses"
          rows={data.data}
          keyOf={({ id }) => id}
          columns={[
            {
              name: "When",
              cell: ({ id, at_ms: atMs }) => <a href={hrefOf("traces", [id])}>{<Moment atMs={atMs} />}</a>,
            },
            { name: "Reason", cell: ({ veto }) => <Badge tone="warn">{veto}</Badge> },
            { name: "Similarity", isNumber: true, cell: ({ similarity }) => similarity?.toFixed(4) ?? "–" },
            { name: "Model", cell: ({ model }) => model ?? "–" },
          ]}
        />
      )}
    </Card>
  );
}

function Ask({ scope, canAct }: PageProps): JSX.Element {
  const overview = useAsked<OverviewAnswer>("/overview");
  const models = overview.data?.models ?? [];
  const [chosen, setChosen] = useState<string>();
  const model = chosen ?? models.find((id) => id === "demo") ?? models[0] ?? "demo";
  const [prompt, setPrompt] = useState("");
  const [system, setSystem] = useState("");
  const [user, setUser] = useState("");
  const [told, setTold] = useState<ExplainAnswer>();
  const [said, setSaid] = useState("");
  const { busy, error, act } = useActing();
  const explain = () =>
    act(async () => {
      const body = {
        model,
        prompt,
        ...(system.trim() && { system: system.trim() }),
        ...(user.trim() && { user: user.trim() }),
      };
      setTold(await call<ExplainAnswer>("POST", withQuery("/cache/explain", { scope }), body));
    });
  return (
    <Card
      title="Why is a prompt served, or not?"
      aside={<span class="hint">no model is asked, nothing is stored</span>}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setSaid("");
          if (prompt.trim() !== "") void explain();
        }}
      >
        <div class="fields">
          <Choice label="Model" value={model} options={models.length === 0 ? [model] : models} onValue={setChosen} />
          <Field label="User" placeholder="the key's own" value={user} onValue={setUser} />
          <Field label="System prompt" placeholder="none" value={system} onValue={setSystem} />
        </div>
        <TextField label="Prompt" rows={2} required value={prompt} onValue={setPrompt} />
        <button type="submit" class="primary" disabled={!canAct || busy}>
          Explain
        </button>
      </form>
      <Failure error={error} />
      <div aria-live="polite">
        {said !== "" && <p class="hint">{said}</p>}
        {told !== undefined && (
          <Explanation
            told={told}
            onNear={({ id, score }, same) =>
              void act(async () => {
                await call("POST", withQuery(`/cache/entries/${encodeURIComponent(id)}/audit`, { scope }), {
                  same,
                  score,
                });
                setSaid(`Noted: the stored question asks ${same ? "the same" : "something else"}.`);
              })
            }
            onSaid={({ id, match, score, wording }, right) =>
              void act(async () => {
                const path = `/cache/entries/${encodeURIComponent(id)}/feedback`;
                await call("POST", withQuery(path, { scope }), { right, match, score, wording });
                setSaid(right ? "Noted as right." : "Noted as wrong, and forgotten.");
              }).then((done) => done && explain())
            }
            canForget={canAct && !busy}
            onForget={(entry) =>
              void act(() => call("DELETE", withQuery(`/cache/entries/${encodeURIComponent(entry)}`, { scope }))).then(
                (done) => done && explain(),
              )
            }
          />
        )}
      </div>
    </Card>
  );
}

function Explanation({
  told,
  canForget,
  onForget,
  onNear,
  onSaid,
}: {
  told: ExplainAnswer;
  onNear: (near: { readonly id: string; readonly score: number }, same: boolean) => void;
  onSaid: (hit: NonNullable<Extract<ExplainAnswer, { looked_up: true }>["hit"]>, right: boolean) => void;
  canForget: boolean;
  onForget: (entry: string) => void;
}): JSX.Element {
  if (!told.looked_up)
    return <Empty title={told.why === "off" ? "The cache is off" : "The cache cannot serve such a request"} />;
  const { hit, nearest, candidates } = told;
  return (
    <>
      <ol class="life">
        <li>
          {told.personal
            ? "Its answer may depend on who asks: it is looked for among this user's answers alone, unless cache.personal says otherwise."
            : "Its answer is everybody's: it is looked for among all of the scope's."}
        </li>
        {told.time_bound && <li>Its answer soon changes: it has the shorter TTL of cache.timeBoundTtlMs.</li>}
        {told.follow_up && <li>It leans on something said before, which is not part of it: nothing was looked up.</li>}
        {hit !== null ? (
          <li class="good">
            Served: <Badge tone="good">{hit.match}</Badge> similarity {hit.similarity.toFixed(4)}, stored{" "}
            {duration(hit.age_ms)} ago
            {hit.prompt === undefined ? "" : `, under “${hit.prompt}”`}{" "}
            <button type="button" class="quiet" disabled={!canForget} onClick={() => onSaid(hit, true)}>
              It is right
            </button>{" "}
            <Confirm
              label="It is wrong"
              question="Forget it, with its aliases?"
              disabled={!canForget}
              onYes={() => onSaid(hit, false)}
            />
          </li>
        ) : (
          <li>
            Not served: the model would be asked.{" "}
            {nearest === undefined
              ? "No stored question is near."
              : `The nearest stored question has a similarity of ${nearest.similarity.toFixed(4)}: ${nearest.veto}.`}
          </li>
        )}
      </ol>
      {candidates.length > 0 && (
        <Table
          label="Near stored questions"
          rows={candidates}
          keyOf={({ id }) => id}
          columns={[
            { name: "Stored answer", cell: ({ id }) => <code>{id}</code> },
            { name: "Similarity", isNumber: true, cell: ({ similarity }) => similarity.toFixed(4) },
            {
              name: "Reason",
              cell: ({ veto }) =>
                veto === undefined ? <Badge tone="good">serves</Badge> : <Badge tone="warn">{veto}</Badge>,
            },
            {
              name: "Act",
              cell: ({ id, score }) => (
                <span class="row">
                  <button type="button" class="quiet" disabled={!canForget} onClick={() => onNear({ id, score }, true)}>
                    Asks the same
                  </button>
                  <button
                    type="button"
                    class="quiet"
                    disabled={!canForget}
                    onClick={() => onNear({ id, score }, false)}
                  >
                    Differs
                  </button>
                  <Confirm
                    label="Forget"
                    question="Forget this answer?"
                    disabled={!canForget}
                    onYes={() => onForget(id)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
    </>
  );
}
