export { MarrowVector, type MarrowVectorOptions } from "./vector.ts";
export { MarrowThreads, type MarrowThreadsOptions } from "./threads.ts";
