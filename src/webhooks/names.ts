import { lookup, type LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { MarrowError } from "../errors.ts";
import { createPermits, type Permit, type Permits } from "../internal/permits.ts";
import { createTurnPacer } from "../internal/time-slice.ts";
import { createHostsFile, type HostsFile } from "./hosts-file.ts";

/**
 * Returns the addresses of a host name; `family` 4 or 6 asks for these alone. `owner`: the tenant that named it.
 * @throws Error as `dns.lookup`; `ETIMEOUT` if DNS did not answer in time, or MarrowError `timeout` if it was not the name's turn in time
 */
export type ResolveName = (host: string, family: number, owner?: string) => Promise<readonly LookupAddress[]>;

/** Asks DNS servers. */
export type Asker = Pick<Resolver, "resolve4" | "resolve6" | "cancel">;

/** Where names are looked up before the system is asked. */
export interface NamesOptions {
  /** Makes what asks DNS servers about one name. @default that of Node, with the servers of the system */
  readonly openResolver?: () => Asker;
  /** @default that of the system */
  readonly hostsFile?: HostsFile;
  /** Asks the system. @default Node's lookup */
  readonly askSystem?: AskSystem;
}

type AskSystem = (host: string, family: number) => Promise<readonly LookupAddress[]>;

/** Longest wait for the first answer of a DNS server, in milliseconds, and how often it is asked. */
const ANSWER_MS = 2_000;
const TRIES = 2;
/** Longest wait for all DNS servers together, in milliseconds. */
const DNS_MS = 10_000;
/** Longest wait for the addresses of one family once those of the other are there, in milliseconds. */
const OTHER_FAMILY_MS = 300;
/** Longest wait for the system's own lookup to be free, in milliseconds. */
const WAIT_MS = 10_000;
/** Errors of a DNS server that does not answer. */
const SILENT: ReadonlySet<unknown> = new Set(["ETIMEOUT", "ECANCELLED"]);

/** Threads that Node has for all lookups of a process, also those of models and of Redis: half of its pool. */
const LOOKUP_THREADS = Math.ceil((Number(process.env["UV_THREADPOOL_SIZE"]) || 4) / 2);

const refusal = () => new MarrowError("timeout", "too many names are looked up by the system");

/**
 * The system's own lookup occupies a thread until it has an answer; so it gets half of the threads at most: one name at a time, or two of
 * four threads. Tenants take turns; each has one name at a time, for which the domains that it names take turns.
 */
const ofSystem = createPermits({ max: Math.max(1, Math.floor(LOOKUP_THREADS / 2)), eachMax: 1, refusal });
/** The turns of each tenant's domains, while any of its names are looked up. */
const ofTenants = new Map<string, { readonly permits: Permits; names: number }>();

/**
 * Makes the lookup of names that anybody may have named. The hosts file comes first, as for the system. Then it asks DNS servers without a
 * thread, so that servers which do not answer delay nobody else; they are asked for the name as it stands. The system's own lookup, with its
 * search domains, is asked about names without a dot, and names that DNS does not have.
 */
export function createNames({
  openResolver = openOwn,
  hostsFile = createHostsFile(),
  askSystem = askNode,
}: NamesOptions = {}): ResolveName {
  return async (host, family, owner = "") => {
    const known = await hostsFile(host, family);
    if (known.length > 0) return known;
    if (!host.slice(0, -1).includes(".")) return inTurns(askSystem, host, family, owner);
    const found = await askDns(await inTurn(openResolver), host, family);
    return found.length > 0 ? found : inTurns(askSystem, host, family, owner);
  };
}

/** One for each name: one for all would take the quickness of some names for that of all, and give up slower ones. */
function openOwn(): Asker {
  return new Resolver({ timeout: ANSWER_MS, tries: TRIES });
}

/** Hundreds of lookups that begin together would hold the event loop. */
const pace = createTurnPacer();

function inTurn<T>(make: () => T): Promise<T> {
  return new Promise((resolve) => {
    pace(() => resolve(make()));
  });
}

/** Returns the addresses that DNS has of a name, or none. @throws Error `ETIMEOUT` if DNS did not answer */
function askDns(resolver: Asker, host: string, family: number): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    const found: LookupAddress[] = [];
    let silent: NodeJS.ErrnoException | undefined;
    const families = ([4, 6] as const).filter((one) => family === 0 || family === one);
    let open = families.length;

    function end(): void {
      clearTimeout(late);
      resolver.cancel();
      // IPv4 first, whichever came first.
      if (found.length > 0) resolve(found.toSorted((a, b) => a.family - b.family));
      else if (silent === undefined) resolve([]);
      else reject(silent);
    }
    let late = setTimeout(() => {
      silent = Object.assign(new Error(`DNS did not answer for ${host}`), { code: "ETIMEOUT" });
      end();
    }, DNS_MS);

    function settle(): void {
      open -= 1;
      if (open === 0) return end();
      if (found.length === 0) return;
      clearTimeout(late);
      late = setTimeout(end, OTHER_FAMILY_MS);
    }
    for (const one of families)
      (one === 4 ? resolver.resolve4(host) : resolver.resolve6(host)).then(
        (addresses) => {
          found.push(...addresses.map((address) => ({ address, family: one })));
          settle();
        },
        (error: NodeJS.ErrnoException) => {
          if (SILENT.has(error.code)) silent ??= error;
          settle();
        },
      );
  });
}

/** The domain of a name: its last two labels, or the name if it has one. */
function domainOf(host: string): string {
  return host.replace(/\.$/, "").split(".").slice(-2).join(".").toLowerCase();
}

function askNode(host: string, family: number): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { family, all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
}

/** Asks the system once it is the turn of the tenant, and of the domain among those that the tenant named. */
async function inTurns(ask: AskSystem, host: string, family: number, owner: string): Promise<readonly LookupAddress[]> {
  const endMs = performance.now() + WAIT_MS;
  const tenant = ofTenants.get(owner) ?? { permits: createPermits({ max: 1, refusal }), names: 0 };
  ofTenants.set(owner, tenant);
  tenant.names += 1;
  let endOwn: Permit | undefined;
  let end: Permit | undefined;
  try {
    endOwn = await tenant.permits.take(1, WAIT_MS, { owner: domainOf(host) });
    end = await ofSystem.take(1, Math.max(1, endMs - performance.now()), { owner });
    return await ask(host, family);
  } finally {
    end?.();
    endOwn?.();
    tenant.names -= 1;
    if (tenant.names === 0) ofTenants.delete(owner);
  }
}
