import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";

/** Encrypts records, so that reading or making one requires the key. */
export interface Sealing {
  /** Seals a record for the entry of this id; it cannot be opened for another one. */
  seal(record: Buffer, id: string): Buffer;
  /** Decrypts a record. @throws MarrowError `corrupt_record` if it was made without the key, for another entry, or changed since */
  open(sealed: Buffer, id: string): Buffer;
}

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Stores records unsealed. */
export const UNSEALED: Sealing = { seal: (record) => record, open: (record) => record };

/**
 * Seals with AES-256-GCM under a key of 32 bytes, which is never stored. The bytes are copied, so that the caller may erase its own.
 * @throws MarrowError `invalid_option`
 */
export function createSealing(given: Uint8Array): Sealing {
  if (!(given instanceof Uint8Array) || given.length !== 32) refuse("sealKey", "32 bytes", given);
  const key = Buffer.from(given);
  return {
    seal(record, id) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(id));
      const closed = [cipher.update(record), cipher.final()];
      return Buffer.concat([nonce, cipher.getAuthTag(), ...closed]);
    },
    open(sealed, id) {
      try {
        const [nonce, tag] = [sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
        const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(id));
        decipher.setAuthTag(tag);
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new MarrowError("corrupt_record", "an encrypted entry cannot be decrypted with this key", { cause });
      }
    },
  };
}
