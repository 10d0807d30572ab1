export { findServer, HOW_TO_GET_A_SERVER, SERVER_MAJOR_MIN, type ServerBinary } from "./find-server.ts";
export { spawnTied, startServer, type ManagedServer, type ManagedServerOptions } from "./server.ts";
