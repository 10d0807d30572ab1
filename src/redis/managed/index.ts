export { findServer, HOW_TO_GET_A_SERVER, type ServerBinary } from "./find-server.ts";
export { spawnTied, startServer, type ManagedServer, type ManagedServerOptions } from "./server.ts";
export { unpackServer } from "./unpack-server.ts";
