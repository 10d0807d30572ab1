/** Holds the package as npm would pack it to what it promises: its entries are there, nothing else is, and it stays small. Run after the build. */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bounds with room for some growth: the static table alone is 8.2 MB. */
const PACKED_BYTES_MAX = 10_000_000;
const UNPACKED_BYTES_MAX = 20_000_000;
/** What `npm install --omit=optional` leaves on a disk: the library; and what a plain install does: the gateway, too. */
const LIBRARY_BYTES_MAX = 30_000_000;
const GATEWAY_BYTES_MAX = 45_000_000;
const ALLOWED = /^script\/unpack-server$|^(?:dist|src|assets)\/|^(?:package\.json|README\.md|LICENSE)$/;
const FORBIDDEN = /\.map$|\.test\.(?:ts|js|d\.ts)$|\.tsbuildinfo$|(?:^|\/)\.|\.tgz$|\.env/;
const NEEDED = ["script/unpack-server", "README.md", "LICENSE", "assets/static-table.bin"];

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const { exports, bin, keywords, description, license, engines } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly keywords?: readonly string[];
  readonly description?: string;
  readonly license?: string;
  readonly engines?: { readonly node?: string };
};
const report = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
  encoding: "utf8",
  maxBuffer: 64 * 1_048_576,
  stdio: ["ignore", "pipe", "ignore"],
});
const [packed] = Object.values(JSON.parse(report) as Readonly<Record<string, Packed>>) as [Packed];
const paths = new Set(packed.files.map(({ path }) => path));

const promised = [
  ...Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry))),
  ...Object.values(bin),
].map((path) => path.replace(/^\.\//, ""));
const wrong = [
  ...[...promised, ...NEEDED].filter((path) => !paths.has(path)).map((path) => `${path} is promised and not packed`),
  ...[...paths].filter((path) => !ALLOWED.test(path) || FORBIDDEN.test(path)).map((path) => `${path} is packed`),
  ...(packed.size > PACKED_BYTES_MAX ? [`it has ${packed.size} bytes, more than ${PACKED_BYTES_MAX}`] : []),
  ...(packed.unpackedSize > UNPACKED_BYTES_MAX
    ? [`it has ${packed.unpackedSize} bytes unpacked, more than ${UNPACKED_BYTES_MAX}`]
    : []),
  ...Object.entries({ description, license, "engines.node": engines?.node })
    .filter(([, value]) => value === undefined || value === "")
    .map(([name]) => `package.json has no ${name}`),
  ...((keywords?.length ?? 0) < 5 ? ["package.json has fewer than five keywords"] : []),
];
const library = packed.unpackedSize + bytesOf(installed(["dependencies"]));
const gateway = packed.unpackedSize + bytesOf(installed(["dependencies", "optionalDependencies"]));
if (library > LIBRARY_BYTES_MAX) wrong.push(`the library installs ${library} bytes, more than ${LIBRARY_BYTES_MAX}`);
if (gateway > GATEWAY_BYTES_MAX) wrong.push(`the gateway installs ${gateway} bytes, more than ${GATEWAY_BYTES_MAX}`);
for (const line of wrong) console.error(line);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(
  `the package: ${packed.files.length} files, ${megabytes(packed.size)} packed, ${megabytes(packed.unpackedSize)} unpacked, ${wrong.length} faults`,
);
console.log(`installed: ${megabytes(library)} as a library (--omit=optional), ${megabytes(gateway)} with the gateway`);
process.exitCode = wrong.length === 0 ? 0 : 1;

type Group = "dependencies" | "optionalDependencies";
type Lock = Readonly<Record<string, Readonly<Partial<Record<Group, Readonly<Record<string, string>>>>>>>;

/** Directories of the packages that an install of these groups brings, by the lock: without optional peers, which users choose. */
function installed(groups: readonly Group[]): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { readonly packages: Lock };
  const found = new Set<string>();
  const waiting = groups
    .flatMap((group) => Object.keys(packages[""]?.[group] ?? {}))
    .map((name) => ({ name, from: "" }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const at = find(packages, next.name, next.from);
    if (at === undefined || found.has(at)) continue;
    found.add(at);
    waiting.push(...Object.keys(packages[at]?.dependencies ?? {}).map((name) => ({ name, from: at })));
  }
  return found;
}

/** Where a package is found from another one: in its own directory, or in one above. */
function find(packages: Lock, name: string, from: string): string | undefined {
  const own = `${from}/node_modules/${name}`;
  if (from !== "" && own in packages) return own;
  if (from === "") return `node_modules/${name}` in packages ? `node_modules/${name}` : undefined;
  const above = from.lastIndexOf("/node_modules/");
  return find(packages, name, above === -1 ? "" : from.slice(0, above));
}

function bytesOf(directories: ReadonlySet<string>): number {
  return [...directories].reduce((sum, directory) => sum + sizeOf(directory), 0);
}

/** Bytes of the files of a package, without packages within it. */
function sizeOf(directory: string): number {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.name !== "node_modules")
    .reduce((sum, entry) => {
      const path = join(directory, entry.name);
      return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
    }, 0);
}
