import { fuzzGateway } from "./fuzzing.ts";

fuzzGateway(1);
