/** The numbers that `marrow size` takes, with their defaults. */
export const SIZE_NUMBERS = {
  entries: "0",
  "question-bytes": "80",
  "answer-bytes": "2000",
  dimensions: "256",
  sessions: "0",
  turns: "10",
  "turn-bytes": "300",
  facts: "0",
  "fact-bytes": "100",
  jobs: "0",
  "payload-bytes": "1000",
  identities: "0",
  rules: "2",
  vectors: "0",
  "vector-dimensions": "",
  "vector-payload-bytes": "500",
  messages: "0",
  "message-bytes": "500",
  replicas: "1",
  "compressed-share": "0.5",
  fragmentation: "1.1",
  headroom: "0.25",
  samples: "1000",
} as const;

/** Name of such a number. */
export type SizeNumber = keyof typeof SIZE_NUMBERS;
