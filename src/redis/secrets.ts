import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";

/** A secret or a long text: the value itself, or a file that contains it. One line break at the file's end is removed. */
export type Secret = string | { readonly file: string };

/** TLS settings. Certificates and keys are PEM. */
export interface TlsOptions {
  /** Authorities that may sign the server's certificate. @default the authorities that Node trusts */
  readonly ca?: Secret | undefined;
  /** Client certificate, for servers that require one; together with `key`. */
  readonly cert?: Secret | undefined;
  readonly key?: Secret | undefined;
  /** Name that the server's certificate must have, if it differs from the host. @default the host */
  readonly serverName?: string | undefined;
}

/** Bytes that a secret may have. */
const SECRET_BYTES_MAX = 1_048_576;

/** Reads a secret. @throws MarrowError `invalid_option` that names the field and the file, never the content */
export function readSecret(path: string, secret: Secret | undefined): string | undefined {
  if (secret === undefined) return undefined;
  if (typeof secret === "string") return secret;
  if (typeof secret !== "object" || secret === null || typeof secret.file !== "string")
    refuse(path, "a string or { file }", secret);
  let text: string;
  try {
    text = readFileSync(secret.file, "utf8");
  } catch (cause) {
    throw new MarrowError(
      "invalid_option",
      `${path} cannot be read from ${secret.file}: ${(cause as { code?: string }).code ?? "unknown"}`,
      { cause, details: { path } },
    );
  }
  if (text.length > SECRET_BYTES_MAX) refuse(path, `a file of at most ${SECRET_BYTES_MAX} bytes`, secret.file);
  return text.replace(/\r?\n$/, "");
}

/** Converts TLS options for Node's sockets. @throws MarrowError `invalid_option` */
export function readTls(path: string, { ca, cert, key, serverName }: TlsOptions = {}): ConnectionOptions {
  const [readCa, readCert, readKey] = [
    readSecret(`${path}.ca`, ca),
    readSecret(`${path}.cert`, cert),
    readSecret(`${path}.key`, key),
  ];
  if ((readCert === undefined) !== (readKey === undefined))
    throw new MarrowError("invalid_option", `${path}.cert and ${path}.key must be given together`, {
      details: { path },
    });
  if (serverName !== undefined && (typeof serverName !== "string" || serverName === ""))
    refuse(`${path}.serverName`, "a host name", serverName);
  return {
    ...(readCa !== undefined && { ca: readCa }),
    ...(readCert !== undefined && { cert: readCert }),
    ...(readKey !== undefined && { key: readKey }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
