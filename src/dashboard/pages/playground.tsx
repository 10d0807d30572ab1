import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { OverviewAnswer, PlaygroundAnswer } from "../../gateway/admin/answers.ts";
import { call, withQuery } from "../api.ts";
import { duration } from "../format.ts";
import { useActing, useAsked } from "../hooks.ts";
import { Badge, Card, Choice, Empty, Failure, Field, TextField, type Tone } from "../parts.tsx";
import type { PageProps } from "./page.ts";

/** Answers that stay on the page. */
const SHOWN_MAX = 20;

interface Asked {
  readonly nth: number;
  readonly model: string;
  readonly prompt: string;
  readonly answer: PlaygroundAnswer;
}

/** The sixty seconds of the README. The first question is new each time, so that it misses. */
const STEPS = [
  { name: "1. A new question: miss", toPrompt: (city: string) => `What is the capital of ${city}?` },
  { name: "2. The same again: exact", toPrompt: (city: string) => `What is the capital of ${city}?` },
  { name: "3. Other words: similar", toPrompt: (city: string) => `What's the capital of ${city}?` },
] as const;
const COUNTRIES = ["France", "Japan", "Norway", "Italy", "Peru", "Egypt", "Canada", "India"];

/** Meaning of response headers, in a sentence each. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["x-marrow-cache", "Where the answer came from."],
  ["x-marrow-cache-similarity", "Cosine of the nearest stored question, 0 to 1."],
  ["x-marrow-cache-veto", "Why the nearest stored question was not served."],
  ["x-marrow-upstream", "The endpoint that answered."],
  ["x-marrow-attempts", "Calls of endpoints that this took."],
  ["x-marrow-session-state", "Whether the session was read and both turns were kept."],
  ["age", "Seconds since the stored answer was made."],
  ["x-request-id", "Names this request in logs and errors."],
  ["retry-after", "Seconds until a retry may pass."],
]);
const TIERS: ReadonlyMap<string, readonly [Tone, string]> = new Map<string, readonly [Tone, string]>([
  ["exact", ["good", "the same question was answered before"]],
  ["alias", ["good", "this wording was judged the same before"]],
  ["similar", ["good", "a stored question is proven to ask the same"]],
  ["judged", ["good", "a judge found a stored question the same just now"]],
  ["shared", ["good", "another request asked this at the same moment"]],
  ["miss", ["plain", "the model was asked, and the answer is stored"]],
  ["bypass", ["warn", "the cache could not serve this request"]],
]);

/** Calls any model as a user of the scope would, and explains the response headers. */
export function Playground({ scope, canAct, session }: PageProps): JSX.Element {
  const overview = useAsked<OverviewAnswer>("/overview");
  const models = overview.data?.models ?? [];
  const [chosen, setChosen] = useState<string>();
  const model = chosen ?? models.find((id) => id === "demo") ?? models[0] ?? "demo";
  const [prompt, setPrompt] = useState("");
  const [system, setSystem] = useState("");
  const [user, setUser] = useState("");
  const [named, setNamed] = useState("");
  const [answers, setAnswers] = useState<readonly Asked[]>([]);
  const [country, setCountry] = useState(0);
  const { busy, error, act } = useActing();

  const ask = (text: string, asked: { model: string; system?: string; user?: string; session?: string }) =>
    act(async () => {
      const answer = await call<PlaygroundAnswer>("POST", withQuery("/playground", { scope }), {
        model: asked.model,
        messages: [
          ...(asked.system ? [{ role: "system", content: asked.system }] : []),
          { role: "user", content: text },
        ],
        ...(asked.user && { user: asked.user }),
        ...(asked.session && { session: asked.session }),
      });
      setAnswers((before) =>
        [{ nth: (before[0]?.nth ?? 0) + 1, model: asked.model, prompt: text, answer }, ...before].slice(0, SHOWN_MAX),
      );
    });

  return (
    <>
      <Card title="Sixty seconds">
        <p>Press the three buttons in turn: the demo model is asked once, and the cache answers what means the same.</p>
        <div class="row">
          {STEPS.map(({ name, toPrompt }, at) => (
            <button
              key={name}
              type="button"
              disabled={!canAct || busy}
              onClick={() =>
                void ask(toPrompt(COUNTRIES[(at === 0 ? country + 1 : country) % COUNTRIES.length] ?? "France"), {
                  model: "demo",
                }).then((done) => done && at === 0 && setCountry(country + 1))
              }
            >
              {name}
            </button>
          ))}
        </div>
      </Card>
      <Card title="Ask">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (prompt.trim() !== "")
              void ask(prompt, { model, system: system.trim(), user: user.trim(), session: named.trim() });
          }}
        >
          <div class="fields">
            <Choice label="Model" value={model} options={models.length === 0 ? [model] : models} onValue={setChosen} />
            <Field
              label="User"
              placeholder={session.id === "link" ? "default" : "the key's own"}
              value={user}
              onValue={setUser}
            />
            <Field label="Session" placeholder="none" value={named} onValue={setNamed} />
            <Field label="System prompt" placeholder="none" value={system} onValue={setSystem} />
          </div>
          <TextField label="Prompt" rows={3} required value={prompt} onValue={setPrompt} />
          <button type="submit" class="primary" disabled={!canAct || busy}>
            {busy ? "Asking…" : "Ask"}
          </button>
          {!canAct && <span class="hint"> A viewer cannot ask: it costs what a client's request costs.</span>}
        </form>
        <Failure error={error} />
      </Card>
      <div aria-live="polite">
        {answers.length === 0 ? (
          <Empty title="Answers are shown here">They stay on this page alone, and leave with it.</Empty>
        ) : (
          answers.map((asked) => <Answer key={asked.nth} {...asked} />)
        )}
      </div>
    </>
  );
}

function Answer({ nth, model, prompt, answer }: Asked): JSX.Element {
  const tier = answer.headers["x-marrow-cache"];
  const [tone, why] = TIERS.get(tier ?? "") ?? ["bad" as const, `status ${answer.status}`];
  const failed = (answer.body as { error?: { message?: string } } | null)?.error?.message;
  return (
    <Card
      title={`Answer ${nth}`}
      aside={
        <>
          <Badge tone={answer.status < 400 ? tone : "bad"}>
            {answer.status < 400 ? (tier ?? "answered") : answer.status}
          </Badge>{" "}
          <span class="hint">
            {duration(answer.elapsed_ms)}, {why}
          </span>
        </>
      }
    >
      <p class="asked">{prompt}</p>
      <p class="answer">{answer.text ?? failed ?? "The answer has no text."}</p>
      <details>
        <summary>Headers of the answer by {model}</summary>
        <dl class="facts">
          {Object.entries(answer.headers).map(([name, value]) => (
            <div key={name} class="fact">
              <dt>
                <code>{name}</code>
              </dt>
              <dd>
                <strong>{value}</strong> <span class="hint">{MEANINGS.get(name) ?? "What the limits leave."}</span>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </Card>
  );
}
