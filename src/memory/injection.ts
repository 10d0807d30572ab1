import { normalise } from "../internal/normalise.ts";

/** Patterns of text that would instruct a model that reads it as a fact. */
const ORDERS: readonly (readonly [string, RegExp])[] = [
  [
    "override",
    /\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|rules?|guidelines|directions|everything (?:above|before)|(?:previous|prior|above|earlier) (?:messages?|text|context))\b/i,
  ],
  [
    "role",
    /\b(?:you are|you're) (?:now|no longer|from now on)\b|\b(?:act|behave|respond|answer|pretend|roleplay) as (?:if you|an? |the )?[^.!?\n]{0,30}\b(?:assistant|ai|admin|administrator|root|developer|system|unrestricted|dan|jailbroken)\b/i,
  ],
  [
    "prompt",
    /\b(?:system|developer) (?:prompt|message|instructions?)\b|\b(?:reveal|print|repeat|show|output)\b[^.!?\n]{0,40}\b(?:your (?:instructions|prompt|rules)|hidden|secret|api key|password|credentials)\b/i,
  ],
  [
    "always",
    /\bfrom now on\b[^.!?\n]{0,60}\b(?:always|never|you (?:must|will|should))\b|\b(?:new|updated|real|true) (?:instructions?|rules?|orders?)\s*[:=]/i,
  ],
  [
    "hide",
    /\b(?:do not|don't|never) (?:tell|inform|mention|reveal|show)\b[^.!?\n]{0,30}\b(?:the )?(?:user|human|anyone|operator)\b/i,
  ],
  [
    "markup",
    /<\/?(?:system|instructions?|assistant|user|im_start|im_end)\b|<\|[a-z_]+\|>|\[\/?(?:INST|SYS)\]|^[^\S\r\n\u2028\u2029]*#{2,}\s*(?:instructions?|system)\b|^[^\S\r\n\u2028\u2029]*(?:system|assistant|developer)\s*:/im,
  ],
  [
    "exfiltrate",
    /\b(?:send|post|forward|upload|exfiltrate|email)\b[^.!?\n]{0,60}\b(?:to|at) (?:https?:\/\/|[\w.+-]+@[\w-]+\.)/i,
  ],
  [
    "call",
    /\b(?:call|invoke|run|execute|use) the [\w-]+ (?:tool|function|command)\b|\brm -rf\b|\bcurl (?:-\w+ ){0,20}https?:/i,
  ],
];

/**
 * Returns why a text looks like instructions rather than a fact, or `undefined`. Detects common English forms after removing characters
 * that hide words. Text that it misses is still restricted by its origin's trust. Pure.
 */
export function findOrders(text: string): string | undefined {
  const plain = normalise(text, "NFKC")
    // Joiners, marks of direction and the like, which hide words from people and patterns.
    .replaceAll(/[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]/gu, "");
  return ORDERS.find(([, pattern]) => pattern.test(plain))?.[0];
}
