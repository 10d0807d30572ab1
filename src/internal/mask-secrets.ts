/** What stands in place of a secret. */
const MASK = "***";

/** Forms of secrets, each linear over the text. Long opaque words are taken for keys: a wrong guess costs a word of an error message. */
const SECRETS: readonly (readonly [form: RegExp, mask: string])[] = [
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, `$1 ${MASK}`],
  [/(:\/\/)[^\s/@]{1,512}@/g, `$1${MASK}@`],
  [
    /((?:api[-_ ]?key|access[-_]?key|token|secret|password|passwd|pwd|authorization|credential|signature)s?["']?\s?[:=]\s?["']?)[^\s"',;&}]+/gi,
    `$1${MASK}`,
  ],
  [
    /\b(?:(?:sk|pk|rk|mk|hf|gh[opsu]|glpat|whsec|xox[a-z]|github_pat|mrw|npm|gsk|xai|pplx|nvapi|r8)[-_]|AIza|AKIA|ASIA|ya29\.|SG\.)[\w*.-]{8,}/g,
    MASK,
  ],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, MASK],
  [/\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}={0,2}/g, MASK],
];

/** Longest text that is looked through, in characters: what comes behind it is cut off before. */
const LOOK_MAX = 4_096;

/**
 * One line of text of at most `charactersMax` characters in which secrets are masked: keys of providers, bearer tokens, passwords in URLs,
 * `key=value` pairs, and long opaque words. For messages of errors that come from elsewhere and are kept or shown.
 */
export function maskSecrets(text: string, charactersMax: number): string {
  let masked = text.slice(0, LOOK_MAX).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  for (const [form, mask] of SECRETS) masked = masked.replace(form, mask);
  masked = masked.trim();
  return masked.length <= charactersMax
    ? masked
    : `${masked
        .slice(0, charactersMax - 1)
        .toWellFormed()
        .trimEnd()}…`;
}
