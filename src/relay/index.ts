export { createFlights, type Flights, type Follow, type Lead } from "./flights.ts";
export { readParts, type Part } from "./parts.ts";
export { createWriter, type OutputWriter } from "./writer.ts";
