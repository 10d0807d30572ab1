/** Replaces a secret. */
const MASK = "***";

/** Words that a secret stands behind, as names of fields: in JSON, in text of JSON, in connection strings, in headers. */
const NAMES =
  "(?:api[-_ ]?key|access[-_ ]?key|account[-_ ]?key|private[-_ ]?key|token|secret|password|passwd|pass[-_ ]?phrase|pwd|authorization|credential|signature|x[-_]auth)s?";
const IS = String.raw`\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}`;

/**
 * Forms of secrets, each linear over the text: whatever repeats is bounded or ends at the first other character. Long opaque words are taken for
 * keys: a wrong guess costs a word of an error message.
 */
const SECRETS: readonly (readonly [form: RegExp, mask: string])[] = [
  [/-----BEGIN [A-Z ]{1,64}-----.{0,4096}?(?:-----END [A-Z ]{1,64}-----|$)/g, MASK],
  [/\b(bearer|basic)["']?\s+["']?[^\s"',;]+/gi, `$1 ${MASK}`],
  // A password may contain an @, so credentials end at the last one. After a colon that starts no port they may contain a slash, too.
  [/(:\/\/)[^\s/]{1,512}@/g, `$1${MASK}@`],
  [/(:\/\/)[^\s/:@]{0,128}:(?!\d{1,5}\/)[^\s]{1,256}@/g, `$1${MASK}@`],
  [
    /((?:set-)?cookie\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?)(?:[^\s;=,"']{1,128}=[^\s;,"']{0,1024}(?:;\s?)?){1,32}/gi,
    `$1${MASK}`,
  ],
  [new RegExp(String.raw`(${NAMES}${IS}(["']))(?:(?!\2).){1,512}`, "gi"), `$1${MASK}`],
  [new RegExp(String.raw`(${NAMES}${IS})[^\s"',;&}\\]+`, "gi"), `$1${MASK}`],
  [
    /\b((?:token|secret|password|passphrase|api[-_ ]?key|access[-_ ]?key)\s+(?:is\s+|was\s+)?)(?=[^\s"',;]{0,256}\d)[^\s"',;]{8,}/gi,
    `$1${MASK}`,
  ],
  [/([?&](?:sig|key|auth|pass)=)[^\s"'&]+/gi, `$1${MASK}`],
  [/(hooks\.slack\.com\/\w{1,32}|discord(?:app)?\.com\/api\/webhooks)\/[\w/-]+/gi, `$1/${MASK}`],
  // A bot's of Telegram.
  [/(\bbot)?(?<!\d)\d{6,12}:[\w-]{30,}/g, `$1${MASK}`],
  [
    /\b(?:(?:sk|pk|rk|mk|hf|gh[opsu]|glpat|whsec|xox[a-z]|github_pat|mrw|npm|gsk|xai|pplx|nvapi|r8|GOCSPX|dckr_[op]at|do[opr]_v1|lin_(?:api|oauth)|shp(?:at|ca|pa|ss)|glsa|pypi|tskey|sbp|AGE-SECRET-KEY)[-_]|AIza|AKIA|ASIA|ya29\.|SG\.|hv[bsr]\.)[\w*.-]{8,}/g,
    MASK,
  ],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, MASK],
  [/\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}={0,2}/g, MASK],
  // A secret key of AWS: 40 characters, slashes among them.
  [/(?<![\w/+])(?=[\w/+]{0,40}\d)(?=[\w/+]{0,40}[a-z])(?=[\w/+]{0,40}[A-Z])[A-Za-z0-9/+]{40}(?![\w/+=])/g, MASK],
];

/** Longest text that is searched, in characters; the rest is cut off first. */
const LOOK_MAX = 4_096;

/**
 * Shortens a text to one line of at most `charactersMax` characters and masks secrets: providers' keys, bearer tokens, passwords in URLs,
 * `key=value` pairs, and long opaque words. For messages of foreign errors that are stored or shown.
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
