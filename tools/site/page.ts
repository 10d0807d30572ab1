/** Turns a document of the repository into a page of the site: its links, its pictures. Pure. */
import { posix } from "node:path";
import { toRoute } from "./outline.ts";

/** What a page is made with. */
export interface PageParts {
  /** Documents that are pages, by their path in the repository. */
  readonly files: ReadonlySet<string>;
  /** Address of the repository's files, such as `https://…/blob/main`; without it, links to files that are no pages become plain text. */
  readonly repository?: string | undefined;
  /** Keeps a diagram in Mermaid's language and returns the name of its picture. */
  readonly draw: (diagram: string) => string;
}

/** The page of a document, in Markdown for VitePress. */
export function toPage(file: string, text: string, parts: PageParts): string {
  return outsideCode(withPictures(titleOf(text), text, parts.draw), (prose) =>
    prose.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, image: string, label: string, link: string) =>
      /^[a-z]+:|^[#/]/.test(link) ? whole : toLink(file, { image, label, link }, parts),
    ),
  );
}

/** The title of a document: its first heading. */
export function titleOf(text: string): string {
  return /^# (.+)$/m.exec(text)?.[1] ?? "Untitled";
}

/** The anchor that GitHub gives a heading; links in the documents are written for it. */
export function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

interface Link {
  readonly image: string;
  readonly label: string;
  readonly link: string;
}

function toLink(file: string, { image, label, link }: Link, { files, repository }: PageParts): string {
  const [path = "", anchor] = link.split("#");
  const target = posix.normalize(posix.join(posix.dirname(file), path));
  const tail = anchor === undefined ? "" : `#${anchor}`;
  if (image !== "") return `![${label}](/${target.replace(/^docs\//, "")})`;
  if (files.has(target)) return `[${label}](/${toRoute(target)}.md${tail})`;
  return repository === undefined ? label : `[${label}](${repository}/${target}${tail})`;
}

/** Light and dark pictures in place of diagrams: the reader's theme chooses by its style sheet. */
function withPictures(title: string, text: string, draw: PageParts["draw"]): string {
  return text.replaceAll(/^```mermaid\n([\s\S]*?)^```$/gm, (_, diagram: string) => {
    const name = draw(diagram);
    const picture = (theme: string) => `![Diagram: ${title}](/diagrams/${name}-${theme}.svg){.${theme}-only}`;
    return `${picture("light")}${picture("dark")}`;
  });
}

/** Changes prose, and leaves fenced blocks and code within lines as they are. */
function outsideCode(text: string, change: (prose: string) => string): string {
  return text
    .split(/(^```[\s\S]*?^```$)/m)
    .map((block, at) => (at % 2 === 1 ? block : change(block)))
    .join("");
}
