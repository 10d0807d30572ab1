import type { Argument } from "./connection.ts";

/** Number of hash slots of every Redis Cluster. */
export const SLOTS = 16_384;

/** Returns the hash slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it if it has none. */
export function slotOf(key: Argument): number {
  const bytes = typeof key === "string" ? Buffer.from(key) : key;
  const open = bytes.indexOf(OPEN);
  const close = open < 0 ? -1 : bytes.indexOf(CLOSE, open + 1);
  const [from, to] = close > open + 1 ? [open + 1, close] : [0, bytes.length];
  let crc = 0;
  for (let at = from; at < to; at += 1)
    crc = ((crc << 8) & 0xff_ff) ^ (TABLE[((crc >> 8) ^ (bytes[at] as number)) & 0xff] as number);
  return crc % SLOTS;
}

const OPEN = 0x7b;
const CLOSE = 0x7d;

const TABLE: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80_00) === 0 ? crc << 1 : (crc << 1) ^ 0x10_21;
  return crc & 0xff_ff;
});
