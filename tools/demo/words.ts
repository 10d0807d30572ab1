/** Who and what the demonstration's traffic is made of. */

/** Tenants, with how much of the traffic each has. */
export const TENANTS: readonly { readonly scope: string; readonly share: number; readonly users: readonly string[] }[] =
  [
    { scope: "acme", share: 6, users: ["ann", "ben", "chloe", "dmitri", "eva", "farid", "grace", "hugo"] },
    { scope: "globex", share: 3, users: ["ines", "jonas", "kira", "liam"] },
    { scope: "initech", share: 1, users: ["mona", "noah"] },
  ];

/** Questions of customers, the usual ones first; each with wordings that ask the same. */
export const QUESTIONS: readonly (readonly [string, ...string[]])[] = [
  [
    "What is the capital of France?",
    "What's the capital of France?",
    "Tell me the capital of France.",
    "what is the capital of france",
  ],
  ["How do I reset my password?", "How can I reset my password?", "how do i reset my password"],
  ["What is your refund policy?", "What's your refund policy?", "Tell me your refund policy."],
  ["How long does shipping to Norway take?", "How long does shipping take to Norway?"],
  ["Which payment methods do you accept?", "What payment methods do you accept?"],
  ["How do I export my data as CSV?", "How can I export my data as CSV?"],
  ["What is the rate limit of the API?", "What's the rate limit of the API?"],
  ["How do I rotate an API key?", "How can I rotate an API key?"],
  ["Can I change the billing address of an invoice?"],
  ["How do I invite a colleague to my workspace?", "How can I invite a colleague to my workspace?"],
  ["What is Redis?", "What's Redis?"],
  ["What is a semantic cache?", "What's a semantic cache?"],
  ["Why is the sky blue?"],
  ["How far away is the moon?"],
  ["What is the capital of Spain?", "What's the capital of Spain?"],
  ["What is the capital of Japan?", "What's the capital of Japan?"],
  ["How do I cancel my subscription?", "How can I cancel my subscription?"],
  ["Does the mobile app work offline?"],
  ["How do I enable two-factor authentication?", "How can I enable two-factor authentication?"],
  ["How do I disable two-factor authentication?"],
  ["What happens to my data when I cancel?"],
  ["Do you offer a discount for students?", "Is there a discount for students?"],
  ["How do I connect Slack?", "How can I connect Slack?"],
  ["Which browsers are supported?", "What browsers are supported?"],
  ["How do I merge two accounts?"],
];

/** Things that a question asks about once: these miss. */
export const RARE: readonly string[] = [
  "Write a haiku about a lighthouse in winter.",
  "Summarize the minutes of our last meeting in three points.",
  "Translate “see you tomorrow” into Portuguese.",
  "Compare two plans for a team of",
  "Draft a polite reply to ticket",
  "What changed in release",
];

/** A session: what a user says, turn by turn. */
export const DIALOGUES: readonly (readonly string[])[] = [
  [
    "I am moving to Oslo in May and prefer trains over planes.",
    "Which documents do I need to register there?",
    "And how long does that take?",
  ],
  ["My order 4711 has not arrived.", "It was sent to my old address.", "Please send it to the new one."],
  ["Help me plan a launch for our new app.", "We have a budget of 5,000 euros.", "Who should we tell first?"],
];

/** What is known of users: text, kind, key. */
export const FACTS: readonly (readonly [string, "semantic" | "preference" | "episodic" | "procedure", string])[] = [
  ["Prefers trains over planes.", "preference", "travel"],
  ["Lives in Oslo since May.", "semantic", "home"],
  ["Reported that order 4711 was lost.", "episodic", "order-4711"],
  ["Wants answers in short sentences.", "preference", "style"],
];

/** Documents of a help centre: file name, topic, text. */
export const DOCUMENTS: readonly (readonly [string, string, string])[] = [
  [
    "refunds.md",
    "billing",
    "# Refunds\n\nAn order may be sent back within 30 days. The money is returned within five working days, by the way in which it was paid. Gift cards are not refunded.",
  ],
  [
    "shipping.md",
    "orders",
    "# Shipping\n\nOrders within Europe take three to five days, to Norway up to seven. A link to follow the parcel is sent when it leaves the warehouse.",
  ],
  [
    "keys.md",
    "developers",
    "# API keys\n\nA key is shown once, when it is made. Rotate keys every 90 days: make a new one, deploy it, then end the old one. A leaked key is revoked at once.",
  ],
  [
    "two-factor.md",
    "security",
    "# Two-factor authentication\n\nOpen your profile, choose Security, and scan the code with an authenticator. Keep the recovery codes in a safe place.",
  ],
  [
    "export.md",
    "developers",
    "# Export\n\nEvery table can be exported as CSV or JSON. Large exports are made in the background, and a link is sent by mail.",
  ],
];

/** Kinds of jobs of one's own, with how often each fails for good. */
export const JOBS: readonly { readonly kind: string; readonly failing: number }[] = [
  { kind: "invoice", failing: 0.05 },
  { kind: "digest", failing: 0.02 },
  { kind: "import", failing: 0.25 },
  { kind: "thumbnail", failing: 0.1 },
];
