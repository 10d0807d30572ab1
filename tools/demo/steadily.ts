import { MarrowError } from "../../src/errors.ts";

/**
 * Does a part of the traffic, and passes over a Redis or a gateway that does not answer just now: an operator pauses or stops them to see what
 * the dashboard says. Wrong use, and any other failure, is a mistake of this program, and thrown.
 */
export async function steadily(part: () => Promise<unknown>, say: (line: string) => void): Promise<void> {
  try {
    await part();
  } catch (error) {
    const away = MarrowError.is(error) ? error.code : error instanceof TypeError ? error.message : "";
    if (away === "" || away.startsWith("invalid_") || (error instanceof TypeError && away !== "fetch failed"))
      throw error;
    say(`passed over: ${away}`);
  }
}
