import type { JSX } from "preact";

/** Shapes of 24 by 24, each the `d` of one path. */
const SHAPES = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
  playground: "M4 5h16v11H9l-5 4z",
  cache: "M13 3 5 14h6l-1 7 8-11h-6z",
  sessions: "M4 6h11v8H8l-4 3zM9 17h7l4 3v-9h-2",
  limits: "M4 17a8 8 0 1 1 16 0M12 17l4-6",
  queue: "M4 6h16M4 12h16M4 18h9",
  agents: "M12 4v5M5 20v-4h14v4M12 9v7M9 4h6",
  vectors: "M12 3v9l7 5M12 12l-7 5M12 3l-2 2M12 3l2 2",
  traces: "M4 6h8M8 12h9M13 18h7",
  health: "M3 12h4l3-7 4 14 3-7h4",
  audit: "M7 3h10v18H7zM10 8h4M10 12h4",
} as const;

/** Name of an icon. */
export type IconName = keyof typeof SHAPES;

/** A small icon beside a word with the same meaning. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
