import type { WriteStream } from "node:tty";
import type { Progress } from "../replay/index.ts";

/** A progress bar. */
export interface ProgressBar {
  show(progress: Pick<Progress, "bytes" | "bytesAll" | "requests">): void;
  /** Ends the line. May be called any number of times. */
  end(): void;
}

const WIDTH = 24;
/** Interval of lines in a log, where a bar would not be visible, in milliseconds. */
const LINE_EVERY_MS = 10_000;
const DRAW_EVERY_MS = 100;

/** Makes a progress bar: a line that is redrawn on a terminal, occasional lines in a log. */
export function createProgressBar(stream: Pick<WriteStream, "write"> & { readonly isTTY?: boolean }): ProgressBar {
  const beganMs = performance.now();
  let drawnMs = -Infinity;
  let isOpen = false;
  let from: number | undefined;
  return {
    show(progress) {
      const nowMs = performance.now();
      const isTerminal = stream.isTTY === true;
      if (nowMs - drawnMs < (isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS)) return;
      drawnMs = nowMs;
      // A run that goes on did not begin with the file.
      from ??= progress.bytes;
      const line = toLine(progress, (nowMs - beganMs) / 1_000, from);
      stream.write(isTerminal ? `\r${line}\u001B[K` : `${line}\n`);
      isOpen = isTerminal;
    },
    end() {
      if (isOpen) stream.write("\n");
      isOpen = false;
    },
  };
}

/** Formats the line of a bar. Pure. */
export function toLine(
  { bytes, bytesAll, requests }: Pick<Progress, "bytes" | "bytesAll" | "requests">,
  seconds: number,
  from = 0,
): string {
  const part = bytesAll === 0 ? 1 : Math.min(1, bytes / bytesAll);
  const full = Math.round(part * WIDTH);
  const rate = (bytes - from) / Math.max(0.001, seconds);
  const left = rate <= 0 ? "" : `, ${Math.round(Math.max(0, bytesAll - bytes) / rate)} s left`;
  const bar = `${"#".repeat(full)}${".".repeat(WIDTH - full)}`;
  return `[${bar}] ${(part * 100).toFixed(1)} %, ${requests} requests${left}`;
}
