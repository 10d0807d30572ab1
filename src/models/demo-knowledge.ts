/** Answers of the demo model: a question selects the entry that shares most of its rare words. */
export const DEMO_KNOWLEDGE: readonly { readonly about: string; readonly answer: string }[] = [
  { about: "what is the capital of france", answer: "The capital of France is Paris." },
  { about: "what is the capital of spain", answer: "The capital of Spain is Madrid." },
  { about: "what is the capital of japan", answer: "The capital of Japan is Tokyo." },
  {
    about: "what is a semantic cache how does semantic caching work",
    answer:
      "A semantic cache keeps answers under the meaning of their questions. A new question is turned into a vector; when a stored " +
      "question lies near enough, and no guard objects, its answer is served without asking the model again.",
  },
  {
    about: "what is redis",
    answer:
      "Redis is an in-memory data store: strings, hashes, lists, sorted sets, streams and, since version 8, vector sets.",
  },
  {
    about: "what is a vector database embedding similarity search hnsw",
    answer:
      "A vector store keeps numbers that stand for meaning and finds the nearest ones. HNSW walks a graph and is fast; FLAT compares " +
      "with everything and is exact.",
  },
  {
    about: "what is rate limiting how does a rate limiter work tokens",
    answer:
      "A rate limiter counts what a caller used in a window of time and refuses what goes over. For models it counts requests and " +
      "tokens: it reserves an estimate before the call and settles the real number after.",
  },
  {
    about: "what is marrow what does this gateway do",
    answer:
      "Marrow is a data layer for AI agents on Redis: a semantic cache, session memory, a vector store, rate limits, a task queue and a " +
      "message bus, as a library and as this OpenAI-compatible gateway.",
  },
  {
    about: "how do i connect a real model openai upstream key",
    answer:
      "Set MARROW_UPSTREAM_URL and MARROW_UPSTREAM_KEY, start the gateway again, and ask for one of that endpoint's models.",
  },
  {
    about: "how do i make tea brew cup",
    answer: "Boil fresh water, pour it over the leaves, wait three to five minutes, and take the leaves out.",
  },
  {
    about: "why is the sky blue",
    answer:
      "Air scatters short waves of light more than long ones, so the sky shines blue from all sides while sunlight passes yellow.",
  },
  {
    about: "how far away is the moon distance",
    answer: "The Moon is about 384,400 kilometres from the Earth on average.",
  },
  {
    about: "who are you which model demo",
    answer: "I am demo, a small offline model that comes with Marrow. I know only a few things.",
  },
  { about: "hello hi good morning hey", answer: "Hello! Ask me what Marrow is, or what the capital of France is." },
];
