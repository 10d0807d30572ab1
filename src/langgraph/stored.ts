import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { decodeRecordBody, encodeRecordBody } from "../redis/index.ts";

const NEWLINE = 0x0a;

/** Encodes a value as a record: the serializer's type, a line end, its bytes. */
export async function dump(serde: SerializerProtocol, value: unknown): Promise<Buffer> {
  const [type, bytes] = await serde.dumpsTyped(value);
  return encodeRecordBody(Buffer.concat([Buffer.from(`${type}\n`), bytes]));
}

/** Decodes a record. @throws MarrowError `corrupt_record`, `newer_record` */
export async function load(serde: SerializerProtocol, record: Buffer): Promise<unknown> {
  const body = decodeRecordBody(record);
  const end = body.indexOf(NEWLINE);
  return serde.loadsTyped(body.toString("latin1", 0, end), body.subarray(end + 1));
}

/** Encodes one part of a field. Injective; contains neither the separator `|` nor a line end. */
export function toPart(text: string): string {
  return encodeURIComponent(text);
}
