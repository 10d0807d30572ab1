export { createFlights, type Flights, type Follow, type Lead } from "./flights.ts";
