/** One of the processes of topic.fault.live.test.ts: handles messages, says each on a line, until it is killed. */
import { connect } from "../../src/index.ts";
import { createTopic } from "../../src/bus/index.ts";

const [url = "", app = "", name = ""] = process.argv.slice(2);
const redis = await connect(url, { app });
const topic = createTopic<number>(redis.scope("acme"), "kill", { partitions: 8, messagesMax: 10_000_000 });
let lines = "";
topic.read(
  "g",
  ({ body, key, redelivered }) => {
    // One write for all of a moment; a pipe is written to before the call returns, so nothing that is acknowledged was not said.
    if (lines === "") setImmediate(say);
    // The clock is the machine's, so that deliveries by several processes can be put in their order.
    lines += `${process.hrtime.bigint()} ${key} ${body} ${redelivered ? 1 : 0}\n`;
    return new Promise<void>((resolve) => setImmediate(resolve));
  },
  { from: "start", leaseMs: 1_500, concurrency: 64 },
);
function say(): void {
  process.stdout.write(lines);
  lines = "";
}
process.stdout.write(`ready ${name}\n`);
