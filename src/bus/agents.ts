import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { decodeKeyPart, readRecord, runScript, type ScopedRedis, type Subscription } from "../redis/index.ts";
import { part } from "./keys.ts";
import type { ResolvedBusOptions } from "./options.ts";
import { findAgents } from "./scripts.gen.ts";

/** A skill of an agent. */
export interface Skill {
  readonly id: string;
  readonly description?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Description of an agent. */
export interface AgentCard {
  /** Name in the scope, at most 128 characters once encoded. */
  readonly name: string;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  readonly skills?: readonly Skill[] | undefined;
  readonly [field: string]: unknown;
}

/** `online`; `draining`: accepts no more messages; `unreachable`: its leases expired; `gone`: it left, or was unreachable for long. */
export type AgentState = "online" | "draining" | "unreachable" | "gone";

/** An agent as others see it. */
export interface AgentInfo {
  readonly card: AgentCard;
  readonly state: AgentState;
  readonly sinceMs: number;
  /** Waiting and running messages, divided by the number that its processes handle at once: 0..1. */
  readonly load: number;
  readonly instances: number;
  /** With `like`: cosine similarity to the requested skill, -1..1. */
  readonly similarity?: number | undefined;
}

/** Criteria of a search for agents. */
export interface FindOptions {
  /** An agent's name. Only that agent is read, however many there are. */
  readonly name?: string | undefined;
  /** A skill's id. */
  readonly skill?: string | undefined;
  /** Tags that one skill must have, all of them. */
  readonly tags?: readonly string[] | undefined;
  /** A description of the skill; the nearest agents come first. Needs `embed`. */
  readonly like?: string | undefined;
  /** @default ["online"] */
  readonly states?: readonly AgentState[] | undefined;
}

/** An agent's new state. */
export interface PresenceEvent {
  readonly agent: string;
  readonly state: AgentState;
  readonly atMs: number;
}

/** Options for listing agents. */
export interface AgentsOptions {
  /** The `cursor` of the previous page, 0 to 1,000,000. @default 0 */
  readonly after?: number | undefined;
  /** 1 to 100. @default 25 */
  readonly limit?: number | undefined;
}

/** A page of a scope's agents. */
export interface AgentsPage {
  readonly data: readonly AgentInfo[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: number | undefined;
  /** Number of the page's agents that are damaged and left out; absent without any. */
  readonly unreadable?: number | undefined;
}

/** Finds agents and watches their presence. */
export interface Agents {
  /**
   * Lists agents of any state, those without contact for longest first. An agent whose state changes meanwhile may appear twice. One round
   * trip.
   */
  agents(options?: AgentsOptions): Promise<AgentsPage>;
  /** Lists agents of the scope in the order of their last heartbeat: at most 10,000, or the one with a given `name`. One round trip. */
  find(options?: FindOptions): Promise<readonly AgentInfo[]>;
  /** Returns the least loaded online agent that matches; `undefined` if there is none. */
  pick(options?: Omit<FindOptions, "states">): Promise<AgentInfo | undefined>;
  /** Calls `onChange` once for every change of an agent's state. */
  watch(onChange: (event: PresenceEvent) => void): Promise<Subscription>;
}

const LOOK_MAX = 10_000;
const AFTER_MAX = 1_000_000;
const VECTORS_MAX = 10_000;

/** Joins an agent's description and skills into one text. */
export function toSkillText({ description = "", skills = [] }: AgentCard): string {
  return [description, ...skills.flatMap(({ id, description: text = "", tags = [] }) => [id, text, ...tags])].join(
    "\n",
  );
}

/** Finds the agents of a scope. */
export function createAgents(redis: ScopedRedis, bus: string, { graceMs, embed }: ResolvedBusOptions): Agents {
  /** Vectors of what agents say that they can do, by the text. */
  const vectors = new Map<string, ArrayLike<number>>();

  async function vectorOf(text: string): Promise<ArrayLike<number>> {
    if (embed === undefined) throw new MarrowError("unsupported", "find({ like }) needs the option embed of createBus");
    const known = vectors.get(text);
    if (known !== undefined) return known;
    const vector = await embed(text);
    if (vectors.size >= VECTORS_MAX) vectors.clear();
    vectors.set(text, vector);
    return vector;
  }

  /** Agents from a place on, `undefined` for a card that cannot be read. */
  async function lookAt(offset: number, limit: number, name = ""): Promise<readonly (AgentInfo | undefined)[]> {
    const values = { grace_ms: graceMs, offset, limit, name };
    const reply = (await runScript(redis, findAgents, { bus }, values, { reply: "bytes" })) as readonly (
      | Buffer
      | number
    )[];
    const all: (AgentInfo | undefined)[] = [];
    for (let at = 0; at < reply.length; at += 6) {
      const [, state, since, card, load, instances] = reply.slice(at, at + 6);
      const read = Buffer.isBuffer(card) ? readRecord(card) : undefined;
      // A card that cannot be read fits nothing that is looked for, and hides no other agent.
      if (read === undefined || read.unreadable !== undefined) all.push(undefined);
      else
        all.push({
          card: read.value as AgentCard,
          state: String(state) as AgentState,
          sinceMs: Number(String(since)),
          load: Number(String(load)),
          instances: Number(instances),
        });
    }
    return all;
  }

  async function find({ name, skill, tags = [], like, states = ["online"] }: FindOptions = {}): Promise<
    readonly AgentInfo[]
  > {
    const named = name === undefined ? "" : part("name", checkText("name", name, 128, "invalid_input"));
    const all = (await lookAt(0, LOOK_MAX, named)).filter((one) => one !== undefined);
    const fits = all.filter(({ card: { skills = [] }, state }) => {
      if (!states.includes(state)) return false;
      if (skill === undefined && tags.length === 0) return true;
      return skills.some(
        ({ id, tags: own = [] }) => (skill === undefined || id === skill) && tags.every((tag) => own.includes(tag)),
      );
    });
    if (like === undefined) return fits;
    const wanted = await vectorOf(checkText("like", like, 8_192, "invalid_input"));
    const scored = await Promise.all(
      fits.map(async (agent) => ({ ...agent, similarity: dot(wanted, await vectorOf(toSkillText(agent.card))) })),
    );
    return scored.toSorted((a, b) => b.similarity - a.similarity);
  }

  return {
    find,
    async agents({ after = 0, limit = 25 } = {}) {
      checkInteger("after", after, { min: 0, max: AFTER_MAX }, "invalid_input");
      checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
      const found = await lookAt(after, limit + 1);
      const page = found.slice(0, limit);
      const data = page.filter((one) => one !== undefined);
      const unreadable = page.length - data.length;
      const next = found.length > limit && { cursor: after + limit };
      return { data, ...next, ...(unreadable > 0 && { unreadable }) };
    },
    async pick(options = {}) {
      const fits = await find({ ...options, states: ["online"] });
      // Of those that fit by words, the nearest half is meant.
      const meant = options.like === undefined ? fits : fits.slice(0, Math.ceil(fits.length / 2));
      return meant.toSorted((a, b) => a.load - b.load)[0];
    },
    async watch(onChange) {
      if (typeof onChange !== "function") refuse("onChange", "a function", onChange, "invalid_input");
      return redis.subscribe([`${bus}:presence`], (_, message) => {
        const event = readPresence(message);
        if (event !== undefined) onChange(event);
      });
    },
  };
}

/** Reads a message of the presence channel; `undefined` for messages of other programs. */
function readPresence(message: string): PresenceEvent | undefined {
  const [agent = "", state = "", atMs = ""] = message.split(" ");
  try {
    return { agent: decodeKeyPart(agent), state: state as AgentState, atMs: Number(atMs) };
  } catch {
    return undefined;
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
