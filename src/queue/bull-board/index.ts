export { toBullBoard, type BullBoardOptions } from "./adapter.ts";
