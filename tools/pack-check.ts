/** Holds the package as npm would pack it to what it promises: its entries are there, nothing else is, and it stays small. Run after the build. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Bounds with room for some growth: the static table alone is 8.2 MB. */
const PACKED_BYTES_MAX = 10_000_000;
const UNPACKED_BYTES_MAX = 20_000_000;
const ALLOWED = /^(?:dist|src|assets)\/|^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
const FORBIDDEN = /\.test\.(?:ts|js|d\.ts)$|\.tsbuildinfo$|(?:^|\/)\.|\.tgz$|\.env/;
const NEEDED = ["README.md", "LICENSE", "CHANGELOG.md", "assets/static-table.bin"];

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
for (const line of wrong) console.error(line);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(
  `the package: ${packed.files.length} files, ${megabytes(packed.size)} packed, ${megabytes(packed.unpackedSize)} unpacked, ${wrong.length} faults`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
