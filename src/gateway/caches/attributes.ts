import { hash } from "node:crypto";
import { canonicalJson } from "../../internal/canonical-json.ts";

/** What an entry of a cache is about: names with values, compared exactly. */
export type Attributes = Readonly<Record<string, string>>;

/** Attributes as they are indexed. */
export interface AttributeSet {
  readonly attributes: Attributes;
  /** Digest of all of them; none have one, too. */
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

/** What `within` a question has for attributes: none of them is a question that any program may ask without knowing of attributes. */
export function toWithin(attributes: Attributes): { readonly attributes: Attributes } | undefined {
  return Object.keys(attributes).length === 0 ? undefined : { attributes };
}

function digestOf(text: string): string {
  return hash("sha256", text, "base64url").slice(0, DIGEST_CHARS);
}
