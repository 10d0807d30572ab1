import type { JSX } from "preact";
import type { SessionAnswer } from "../../gateway/admin/answers.ts";
import type { IconName } from "../icons.tsx";
import type { Place } from "../place.ts";

/** Props of every page. */
export interface PageProps {
  readonly session: SessionAnswer;
  /** The tenant shown. */
  readonly scope: string;
  /** Whether the signed-in person may change things. */
  readonly canAct: boolean;
  readonly place: Place;
}

/** A page by its path and its name in the navigation. */
export interface PageEntry {
  readonly path: string;
  readonly name: string;
  readonly icon: IconName;
  /** Content of the page, in one sentence. */
  readonly about: string;
  /** The heading above it in the navigation, where a group of pages begins. */
  readonly begins?: string;
  readonly Page: (props: PageProps) => JSX.Element;
}
