/** A request of a generated stream, as a plain log has it. */
export interface Generated {
  readonly time: string;
  readonly user: string;
  readonly model: string;
  readonly prompt: string;
  readonly answer: string;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
}

const PRODUCTS =
  "card,savings account,mortgage,credit line,student loan,travel insurance,joint account,business account,pension plan,gift card,app,passkey,standing order,direct debit,exchange rate".split(
    ",",
  );
const ACTS =
  "open,close,block,order,renew,cancel,upgrade,replace,dispute,report,activate,find,change,compare,transfer".split(",");
const TEMPLATES = [
  (act: string, what: string) => `How do I ${act} a ${what}?`,
  (act: string, what: string) => `How can I ${act} a ${what}?`,
  (act: string, what: string) => `What is the way to ${act} a ${what}?`,
  (act: string, what: string) => `Please tell me how to ${act} a ${what}.`,
  (act: string, what: string) => `how do I ${act} a ${what}`,
  (act: string, what: string) => `What does it cost to ${act} a ${what}?`,
  (act: string, what: string) => `How long does it take to ${act} a ${what}?`,
  (act: string, what: string) => `Can I ${act} my ${what} today?`,
];
const WORDS =
  "the account opens once a form was signed and checked by our team which takes two working days in most branches".split(
    " ",
  );
const USERS = 40;
const START_MS = Date.parse("2026-11-01T08:00:00Z");
const STEP_MS = 4_000;

/**
 * Requests as a bank's assistant gets them, the same for the same seed: few things asked often and many seldom, in several wordings, some of
 * them personal; answers of different lengths.
 */
export function generateStream(requests: number, seed = 7): Generated[] {
  const random = toRandom(seed);
  const pick = <T>(list: readonly T[], skew = 1): T => list[Math.floor(random() ** skew * list.length)] as T;
  return Array.from({ length: requests }, (_, nth) => {
    const [act, what] = [pick(ACTS, 2), pick(PRODUCTS, 2)];
    const prompt = pick(TEMPLATES, 1.5)(act, what);
    const answer = Array.from({ length: 20 + (prompt.length % 7) * 40 }, () => pick(WORDS)).join(" ");
    const [prompt_tokens, completion_tokens] = [prompt.length, Math.ceil(answer.length / 4)];
    return {
      time: new Date(START_MS + nth * STEP_MS).toISOString(),
      user: `user-${Math.floor(random() ** 2 * USERS)}`,
      model: "scripted",
      prompt,
      answer,
      usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    };
  });
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function toRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The same requests with questions from a file (`{ "text" }` a line), in the file's order, and from its start again where it is short. */
export function withQuestions(requests: readonly Generated[], lines: string): Generated[] {
  const questions = lines
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => String((JSON.parse(line) as { readonly text?: unknown }).text));
  return requests.map((one, nth) => ({ ...one, prompt: questions[nth % questions.length] ?? one.prompt }));
}
