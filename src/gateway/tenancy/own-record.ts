import { decodeRecord, type Reply } from "../../redis/index.ts";

/**
 * For `accepts` of a command that reads a record which says who somebody is: whether what came is not another's, by the name in `of`. A reply to
 * another command can have the same shape, and would be believed for as long as it is remembered. What names nobody (records of versions
 * before) and what cannot be read is left to whoever reads it.
 */
export function isRecordOf(name: string): (reply: Reply) => boolean {
  return (reply) => {
    if (!Buffer.isBuffer(reply)) return true;
    try {
      const { of = name } = decodeRecord(reply) as { readonly of?: unknown };
      return of === name;
    } catch {
      return true;
    }
  };
}
