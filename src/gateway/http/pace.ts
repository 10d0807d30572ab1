/** Tries in a row that must agree before something counts as slow, or as quick again: one slow command changes nothing. */
const IN_A_ROW = 3;

/**
 * Makes a judge of pace, quick at first. It is given whether the first try was in time, and calls `tryAgain` until one try has the result that
 * it knows, or {@link IN_A_ROW} have the other one. Returns whether it is slow now.
 */
export function createPace(tryAgain: () => Promise<boolean>): (inTime: boolean) => Promise<boolean> {
  let isSlow = false;
  return async (inTime) => {
    let isOther = inTime === isSlow;
    for (let tries = 1; isOther && tries < IN_A_ROW; tries += 1) isOther = (await tryAgain()) === isSlow;
    if (isOther) isSlow = !isSlow;
    return isSlow;
  };
}
