/** Request fields that do not affect the answer. All others do, including unknown ones. */
export const IRRELEVANT_FIELDS: ReadonlySet<string> = new Set([
  "messages",
  "stream",
  "stream_options",
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
]);
