import { lookup, type LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { MarrowError } from "../errors.ts";
import { createPermits } from "../internal/permits.ts";

/** Returns the addresses of a host name; `family` 4 or 6 asks for these alone. @throws Error as `dns.lookup` and `dns.resolve4` */
export type ResolveName = (host: string, family: number) => Promise<readonly LookupAddress[]>;

/** Longest wait for the first answer of a DNS server, in milliseconds, and how often it is asked. */
const ANSWER_MS = 2_000;
const TRIES = 2;
/** Longest wait for the system's own lookup to be free, in milliseconds. */
const WAIT_MS = 10_000;
/** Errors of a DNS server that does not answer. */
const SILENT: ReadonlySet<unknown> = new Set(["ETIMEOUT", "ECANCELLED"]);

/**
 * The system's own lookup occupies a thread until it has an answer. Node has two threads for all lookups of a process, also those of models
 * and of Redis; so it is used for one name at a time.
 */
const ofSystem = createPermits({
  max: 1,
  refusal: () => new MarrowError("timeout", "too many names are looked up by the system"),
});

/**
 * Makes the lookup of names that anybody may have named. It asks DNS servers without a thread, so that servers which do not answer delay
 * nobody else. The system's own lookup, with its hosts file and search domains, is asked about names without a dot, and names that DNS does
 * not have.
 */
export function createNames(
  openResolver: () => Pick<Resolver, "resolve4" | "resolve6"> = () =>
    new Resolver({ timeout: ANSWER_MS, tries: TRIES }),
): ResolveName {
  return async (host, family) => {
    if (!host.slice(0, -1).includes(".")) return lookUp(host, family);
    const resolver = openResolver();
    const [four, six] = await Promise.allSettled([
      family === 6 ? [] : resolver.resolve4(host),
      family === 4 ? [] : resolver.resolve6(host),
    ]);
    const found = [...toAddresses(four, 4), ...toAddresses(six, 6)];
    if (found.length > 0) return found;
    for (const answer of [four, six])
      if (answer.status === "rejected" && SILENT.has((answer.reason as NodeJS.ErrnoException).code))
        throw answer.reason;
    return lookUp(host, family);
  };
}

function toAddresses(answer: PromiseSettledResult<readonly string[]>, family: 4 | 6): readonly LookupAddress[] {
  return answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family })) : [];
}

async function lookUp(host: string, family: number): Promise<readonly LookupAddress[]> {
  const release = await ofSystem.take(1, WAIT_MS);
  try {
    return await new Promise((resolve, reject) => {
      lookup(host, { family, all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
    });
  } finally {
    release();
  }
}
