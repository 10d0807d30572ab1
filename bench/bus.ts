/**
 * Messages through Marrow's durable topic beside raw PUBLISH, raw XADD/XREADGROUP and BullMQ's relay on one server: latency one at a time,
 * throughput with 128 in flight, the server's CPU a message from the scheduler's books. Interleaved rounds.
 *
 *   npm run bench:bus
 */
import { createRelay, type Relay } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createBus } from "marrow/bus";
