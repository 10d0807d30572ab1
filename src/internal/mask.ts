/** Replaces a secret. */
export const MASK = "***";

/** Patterns of texts that are secrets by their form. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // The user part of a URL, and its query.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@"'<>]{1,512}@/gi, `$1${MASK}@`],
  [/\b(https?:\/\/[^\s?"'<>]{1,512})\?[^\s"'<>]{1,2048}/gi, `$1?${MASK}`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,4096}/gi, `$1 ${MASK}`],
  // Keys of providers (OpenAI, Anthropic, Groq, xAI, AWS, Google, GitHub, Slack, Hugging Face), of this gateway, and JSON web tokens.
  [/\b(?:sk|pk|rk|gsk|xai|mrw|whsec|ghp|gho|ghs|hf|xox[abprs]|glpat)[-_][\w+/=*.-]{6,512}/g, MASK],
  [/-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\w+/=\s]{0,8192}/g, MASK],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,32}\b/g, MASK],
  [/\bAIza[\w-]{20,64}/g, MASK],
  [/\beyJ[\w-]{8,4096}\.[\w-]{4,4096}(?:\.[\w-]{0,4096})?/g, MASK],
  [
    /((?:(?:api|access|account|private|secret|encryption|signing)[-_ ]?key|token|secret|password|passwd|pwd)["']?\s{0,4}[:=]\s{0,4}["']?)[^\s"',;&]{4,512}/gi,
    `$1${MASK}`,
  ],
];

/** Fewer characters than this are too common to be looked for in a text. */
const KNOWN_CHARS_MIN = 6;

/**
 * Masks secrets in a foreign text: first the known ones, then anything with the form of a key, a token or a URL with credentials. Text
 * beyond `charsMax` is cut first, so the work is bounded.
 */
export function maskSecrets(text: string, known: readonly string[] = [], charsMax = 1_000): string {
  // A secret that the cut goes through is still seen from its beginning.
  let masked = text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
  for (const secret of known) if (secret.length >= KNOWN_CHARS_MIN) masked = masked.replaceAll(secret, MASK);
  for (const [pattern, mask] of SECRETS) masked = masked.replaceAll(pattern, mask);
  return masked;
}

/** Returns a URL without credentials, query and fragment; {@link MASK} for an invalid URL. */
export function maskUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return MASK;
  const credentials = url.username !== "" || url.password !== "" ? `${MASK}@` : "";
  return `${url.protocol}//${credentials}${url.host}${url.pathname}${url.search === "" ? "" : `?${MASK}`}`;
}
