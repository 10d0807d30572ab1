import { hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";

/** One file of the built page. */
interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  /** The same in brotli. */
  readonly packed: Buffer;
}

/** Directory of the built page: the same path from `src` and from `dist`. */
const FOLDER = new URL("../../../dist/dashboard/", import.meta.url);
/** The files are stored in brotli only. */
const PACKED = ".br";
const decompress = promisify(brotliDecompress);
const TYPES = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

/** Allows only this gateway's resources, no inline code, and no framing by other sites. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

/** Registers `GET /dashboard`: the dashboard's page, which loads its data from `/v1/admin`. Redirects browsers from `/`. */
export function registerPage(app: FastifyInstance): void {
  let loading: Promise<ReadonlyMap<string, Asset>> | undefined;
  const load = () => (loading ??= readAssets().catch(forget));
  function forget(error: unknown): never {
    loading = undefined;
    throw error;
  }

  async function send(request: FastifyRequest, reply: FastifyReply, name: string): Promise<FastifyReply> {
    const asset = (await load()).get(name);
    if (asset === undefined) throw new MarrowError("not_found", "the dashboard has no such file");
    const { type, etag, plain, packed } = asset;
    reply.headers({ ...HEADERS, "content-type": type, etag, vary: "accept-encoding" });
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    const takesBrotli = /\bbr\b/.test(request.headers["accept-encoding"] ?? "");
    return takesBrotli ? reply.header("content-encoding", "br").send(packed) : reply.send(plain);
  }

  app.get("/", { config: { open: true } }, async (request, reply) => {
    if (!/\btext\/html\b/.test(request.headers.accept ?? ""))
      throw new MarrowError("not_found", "No route matches GET /. The dashboard is at /dashboard, the API at /v1.");
    return reply.code(302).header("location", "/dashboard").send();
  });
  app.get("/dashboard", { config: { open: true } }, (request, reply) => send(request, reply, "index.html"));
  // Every page has a path of its own, which the script of the one document reads.
  app.get<{ Params: { "*": string } }>("/dashboard/*", { config: { open: true } }, (request, reply) => {
    const path = request.params["*"];
    return send(request, reply, path.startsWith("assets/") ? path.slice("assets/".length) : "index.html");
  });
}

async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const folder = fileURLToPath(FOLDER);
  try {
    const names = (await readdir(folder))
      .filter((file) => file.endsWith(PACKED))
      .map((file) => file.slice(0, -PACKED.length));
    return new Map(
      await Promise.all(
        names.map(async (name): Promise<[string, Asset]> => {
          const packed = await readFile(`${folder}${name}${PACKED}`);
          const plain = await decompress(packed);
          const type = TYPES.get(name.split(".").at(-1) ?? "") ?? "application/octet-stream";
          return [name, { type, etag: `"${hash("sha256", plain).slice(0, 20)}"`, plain, packed }];
        }),
      ),
    );
  } catch (cause) {
    throw new MarrowError("not_found", "the dashboard is not built: run npm run build:dashboard", { cause });
  }
}
