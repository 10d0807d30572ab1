export { traceMarrow, type TraceOptions, type Tracing } from "./trace.ts";
