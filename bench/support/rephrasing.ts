/** A question of the cache's benches. */
export const storedQuestion = (at: number): string => `How do I open an account at branch ${at}?`;

/** The same question in other words: the cache must serve the stored answer for it, or the bench does not measure a hit. */
export const rephrasedQuestion = (at: number): string => `Please tell me how to open an account at branch ${at}`;

/** Whether a text is such a rephrasing, for embedders that give it a vector near to the stored one's. */
export const isRephrased = (text: string): boolean => text.startsWith("Please");
