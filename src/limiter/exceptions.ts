import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { decodeKeyPart, runScript, toFields, type ScopedRedis } from "../redis/index.ts";
import type { LimiterKeys } from "./keys.ts";
import { mending } from "./mending.ts";
import { APP_SUBJECT, SCALE, toThousandths } from "./options.ts";
import { setException } from "./scripts.gen.ts";
import type { Wire } from "./wire.ts";

/** One subject, such as `{ user: "42" }`. */
export type Subject = Readonly<Record<string, string>>;

/** Exceptions of one subject. */
export interface Exception {
  readonly subject: Subject;
  /** Set if every call is refused. `untilMs` is absent for a block without end. */
  readonly blocked?: { readonly untilMs?: number | undefined } | undefined;
  /** Exceptions by rule: another limit, and additional units for a time. */
  readonly rules: Readonly<
    Record<
      string,
      {
        readonly limit?: number | undefined;
        readonly limitUntilMs?: number | undefined;
        readonly more?: number | undefined;
        readonly moreUntilMs?: number | undefined;
      }
    >
  >;
}

/** Duration of an exception. */
export interface For {
  /** Milliseconds, 1 to 366 days. @default without end */
  readonly forMs?: number | undefined;
}

/** Blocks, overrides and boosts of single subjects. They apply from the next take of any process. Each call is one round trip. */
export interface Exceptions {
  /** Refuses every call of a subject. */
  block(subject: Subject, options?: For): Promise<void>;
  unblock(subject: Subject): Promise<void>;
  /** Gives a subject other limits, by the ids of rules. */
  override(subject: Subject, limits: Readonly<Record<string, number>>, options?: For): Promise<void>;
  /** Gives a subject more units for a time: the end is required. */
  boost(subject: Subject, more: Readonly<Record<string, number>>, options: Required<For>): Promise<void>;
  /** Removes a subject's overrides and boosts. A block stays. */
  restore(subject: Subject): Promise<void>;
  /** Returns the exceptions of one subject, or `undefined`. One round trip, however many subjects have exceptions. */
  exceptionOf(subject: Subject): Promise<Exception | undefined>;
  /**
   * Lists all exceptions in force.
   * @throws MarrowError `unsupported` with `slots: "subject"`, where no list of all subjects exists
   */
  exceptions(): Promise<readonly Exception[]>;
}

const FOR_MS_MAX = 366 * 86_400_000;

interface Change {
  readonly limit?: string;
  readonly limit_ms?: number;
  readonly more?: string;
  readonly more_ms?: number;
  readonly clear?: true;
}

interface Stored {
  readonly blocked?: number;
  readonly rules?: Readonly<
    Record<string, { limit?: string; limit_until?: number; more?: string; more_until?: number }>
  >;
}

/** Opens the exceptions of one limiter. */
export function createExceptions(
  redis: ScopedRedis,
  { rules, tags, subjects, layout }: Wire,
  names: LimiterKeys,
  slots: "scope" | "subject",
): Exceptions {
  function subjectOf(subject: Subject): readonly [string, string] {
    const entries = Object.entries(subject ?? {});
    const [entry] = entries;
    if (entries.length !== 1 || entry === undefined || !subjects.includes(entry[0]))
      return refuse("subject", `one of ${subjects.join(", ")} with its value`, subject, "invalid_input");
    return entry;
  }

  async function change(subject: Subject, changes: object): Promise<void> {
    const [by, value] = subjectOf(subject);
    const keys = { record: names.record(by, value), exceptions: names.exceptions(by, value) };
    const longest = Math.max(1, ...rules.map(({ windowMs }) => 2 * windowMs));
    const values = { change: JSON.stringify(changes), life_ms: longest };
    await mending(redis, { ...layout, kinds: "rh" }, [keys.record, keys.exceptions], () =>
      runScript(redis, setException, keys, values),
    );
  }

  function ofRules(
    subject: Subject,
    path: string,
    units: Readonly<Record<string, number>>,
    to: (thousandths: string) => Change,
  ) {
    const [by] = subjectOf(subject);
    const changed: Record<string, Change> = Object.create(null);
    for (const [id, value] of Object.entries(units)) {
      const at = rules.findIndex((rule) => rule.id === id && rule.by === by);
      if (at === -1) refuse(`${path}.${id}`, `the id of a rule by ${by}`, id, "invalid_input");
      changed[String(tags[at])] = to(String(toThousandths(`${path}.${id}`, value)));
    }
    return { rules: changed };
  }

  const lasting = (forMs: number | undefined) =>
    forMs === undefined ? -1 : checkInteger("forMs", forMs, { min: 1, max: FOR_MS_MAX }, "invalid_input");

  return {
    block: (subject, { forMs } = {}) => change(subject, { blocked_ms: lasting(forMs) }),
    unblock: (subject) => change(subject, { blocked_ms: 0 }),
    override: async (subject, limits, { forMs } = {}) => {
      const limitMs = lasting(forMs);
      await change(
        subject,
        ofRules(subject, "limits", limits, (limit) => ({ limit, limit_ms: limitMs })),
      );
    },
    boost: async (subject, units, { forMs }) => {
      const moreMs = checkInteger("forMs", forMs, { min: 1, max: FOR_MS_MAX }, "invalid_input");
      await change(
        subject,
        ofRules(subject, "more", units, (more) => ({ more, more_ms: moreMs })),
      );
    },
    restore: async (subject) => {
      const [by] = subjectOf(subject);
      const own = Object.fromEntries(rules.filter((rule) => rule.by === by).map(({ id }) => [id, 0]));
      await change(
        subject,
        ofRules(subject, "rules", own, () => ({ clear: true })),
      );
    },
    async exceptionOf(subject) {
      const [by, value] = subjectOf(subject);
      const stored = await redis.send(["HGET", names.exceptions(by, value), names.record(by, value)]);
      if (typeof stored !== "string") return undefined;
      const exception = toException({ [by]: value }, toStored(stored), Date.now());
      return isInForce(exception) ? exception : undefined;
    },
    async exceptions() {
      if (slots === "subject")
        throw new MarrowError("unsupported", "exceptions cannot be listed when each subject has its own slot");
      const reply = (await redis.send(["HGETALL", names.exceptions(APP_SUBJECT, APP_SUBJECT)])) as readonly string[];
      const nowMs = Date.now();
      const list: Exception[] = [];
      for (const [field, stored] of toFields(reply)) {
        const [by = "", value = ""] = field.split(":").slice(-2).map(decodeKeyPart);
        const exception = toException({ [by]: value }, toStored(stored), nowMs);
        if (isInForce(exception)) list.push(exception);
      }
      return list;
    },
  };

  function toException(subject: Subject, stored: Stored, nowMs: number): Exception {
    const holds = (untilMs: number | undefined) => untilMs !== undefined && (untilMs === 0 || untilMs > nowMs);
    const units = (thousandths: string | undefined) => Number(thousandths) / SCALE;
    const end = (untilMs: number | undefined) => (untilMs === 0 ? undefined : untilMs);
    const changed: Record<string, Exception["rules"][string]> = Object.create(null);
    for (const [tag, one] of Object.entries(stored.rules ?? {})) {
      const id = rules[tags.indexOf(Number(tag))]?.id;
      if (id === undefined) continue;
      const rule = {
        ...(holds(one.limit_until) && { limit: units(one.limit), limitUntilMs: end(one.limit_until) }),
        ...(holds(one.more_until) && { more: units(one.more), moreUntilMs: one.more_until }),
      };
      if (Object.keys(rule).length > 0) changed[id] = rule;
    }
    return {
      subject,
      rules: changed,
      ...(holds(stored.blocked) && { blocked: { untilMs: end(stored.blocked) } }),
    };
  }
}

/** Reads an exception. One that cannot be read does not hold, and the next take of its subject removes it. */
function toStored(text: string): Stored {
  try {
    const stored: unknown = JSON.parse(text);
    return typeof stored === "object" && stored !== null ? stored : {};
  } catch {
    return {};
  }
}

function isInForce({ blocked, rules }: Exception): boolean {
  return blocked !== undefined || Object.keys(rules).length > 0;
}
