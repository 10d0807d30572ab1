/** What the size of an input may do to the work on it. */
export interface LinearOptions {
  /** The largest size, in whatever unit the work takes. Sizes are an eighth, a quarter and a half of it, and all of it. */
  readonly largest: number;
  /** Longest that the largest may take in one go, in milliseconds of this thread's CPU. @default no bound */
  readonly goMsMax?: number | undefined;
}

/** Growth over linear that is allowed from each size to the next. */
const GROWTH_MAX = 1.3;
/** Differences below this are noise of the clock, of compilation and of collecting garbage, in milliseconds. */
const NOISE_MS = 4;
/** Half of the work that takes less goes another way: a step of its size tells nothing of growth, so twice the noise is allowed. */
const STEP_MS = 0.5;
/** The clock of CPU time ticks every few milliseconds: work is repeated until it has used so much, and more with each try. */
const MEASURED_MS = 12;
const REPEATED_MAX = 64;
/** A busy machine may spoil a measurement: it counts only when it is confirmed so often. */
const TRIES = 4;

/**
 * Says where work grows more than 1.3 times linearly with its input, by the CPU time of this thread. Measured again before it says so, since
 * other work on the machine makes caches cold and clocks slow. Work that takes no time at the largest size is not looked at further.
 */
export async function findExcess(
  work: (size: number) => () => unknown,
  { largest, goMsMax = Infinity }: LinearOptions,
): Promise<readonly string[]> {
  const sizes = [largest / 8, largest / 4, largest / 2, largest].map((size) => Math.max(16, Math.floor(size)));
  let wrong: string[] = [];
  for (let nth = 0; nth < TRIES; nth += 1) {
    const measuredMs = MEASURED_MS * (1 + nth);
    const last = await timeOf(work(largest), measuredMs);
    if (last < NOISE_MS) return [];
    const first = await timeOf(work(sizes[0] as number), measuredMs);
    if (last <= goMsMax && last <= first * sizes.length * 2 * GROWTH_MAX + NOISE_MS) return [];
    const times = [first];
    for (const size of sizes.slice(1, -1)) times.push(await timeOf(work(size), measuredMs));
    times.push(last);
    wrong = times.flatMap((ms, at) => {
      const before = times[at - 1];
      const bound = before === undefined ? Infinity : before * 2 * GROWTH_MAX + (before < STEP_MS ? 2 : 1) * NOISE_MS;
      return ms > bound ? [`${sizes[at]} took ${ms.toFixed(1)} ms, half of it ${before?.toFixed(1)} ms`] : [];
    });
    if (last > goMsMax) wrong.push(`${sizes.at(-1)} took ${last.toFixed(1)} ms, at most ${goMsMax} are allowed`);
    if (wrong.length === 0) break;
  }
  return wrong;
}

/** CPU time of one run, in milliseconds. */
async function timeOf(work: () => unknown, measuredMs: number): Promise<number> {
  await work();
  const before = process.threadCpuUsage();
  const startedAt = performance.now();
  for (let runs = 1; ; runs += 1) {
    await work();
    const { user, system } = process.threadCpuUsage(before);
    const ms = (user + system) / 1_000;
    // Work that is far too quick to matter is told by the clock on the wall.
    const quick = runs === 3 && performance.now() - startedAt < NOISE_MS;
    if (ms >= measuredMs || runs === REPEATED_MAX || quick) return ms / runs;
  }
}

/**
 * The longest time that work holds the event loop in one go, in milliseconds of this thread's CPU: the least of several runs, as soon as one is
 * within the bound.
 */
export async function longestGo(work: () => Promise<unknown>, goMsMax: number): Promise<number> {
  let least = Infinity;
  for (let nth = 0; nth < TRIES && least > goMsMax; nth += 1) least = Math.min(least, await longestOf(work));
  return least;
}

async function longestOf(work: () => Promise<unknown>): Promise<number> {
  let [longest, isOver] = [0, false];
  let before = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  };
  const tick = (): void => {
    look();
    if (!isOver) setImmediate(tick);
  };
  tick();
  await work();
  isOver = true;
  // The work's last turn has not come to its end yet.
  look();
  return longest;
}
