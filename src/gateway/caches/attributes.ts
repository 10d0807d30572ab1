import { hash } from "node:crypto";
import { canonicalJson } from "../../internal/canonical-json.ts";

/** Attributes of a cache entry: names with values, compared exactly. */
export type Attributes = Readonly<Record<string, string>>;

/** A set of attributes in the form of the index. */
export interface AttributeSet {
  readonly attributes: Attributes;
  /** Digest of all attributes; an empty set has one, too. */
  readonly id: string;
  readonly json: string;
  /** Digest of each attribute with its value. */
  readonly digests: readonly string[];
}

const DIGEST_CHARS = 22;

/** Reduces attributes to their digests; their order does not matter. */
export function toAttributeSet(attributes: Attributes): AttributeSet {
  const json = canonicalJson(attributes);
  return {
    attributes,
    id: digestOf(json),
    json,
    digests: Object.entries(attributes).map((pair) => digestOf(canonicalJson(pair))),
  };
}

/** Returns a question's `within` for attributes. Without any it is absent, so that programs that know no attributes share the entry. */
export function toWithin(attributes: Attributes): { readonly attributes: Attributes } | undefined {
  return Object.keys(attributes).length === 0 ? undefined : { attributes };
}

function digestOf(text: string): string {
  return hash("sha256", text, "base64url").slice(0, DIGEST_CHARS);
}
