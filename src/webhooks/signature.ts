import { createHmac, randomBytes } from "node:crypto";
import { MarrowError } from "../errors.ts";

const PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** Makes a webhook secret: `whsec_` and 32 random bytes as base64. Source: Standard Webhooks 1.0, symmetric secrets. */
export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/**
 * Builds the headers that prove a webhook's origin: one `v1` signature (HMAC-SHA256 over `id.timestamp.body`) for each secret, so that a
 * receiver may use the old or the new secret during a rotation. Source: Standard Webhooks 1.0.
 * @throws MarrowError `invalid_input` for a secret that is not `whsec_` and 24 to 64 bytes as base64
 */
export function signWebhook(
  secrets: readonly string[],
  { id, atMs, body }: { readonly id: string; readonly atMs: number; readonly body: string },
): { readonly "webhook-id": string; readonly "webhook-timestamp": string; readonly "webhook-signature": string } {
  const timestamp = String(Math.floor(atMs / 1000));
  const signatures = secrets.map((secret) => {
    const mac = createHmac("sha256", secretBytes(secret)).update(`${id}.${timestamp}.${body}`);
    return `v1,${mac.digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

function secretBytes(secret: string): Buffer {
  const bytes = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "", "base64");
  if (bytes.length < 24 || bytes.length > 64)
    throw new MarrowError("invalid_input", "secret must be whsec_ and 24 to 64 bytes as base64", {
      details: { path: "secret" },
    });
  return bytes;
}
