/** Finds links of a built site that lead nowhere. Pure. */

/** What a built page links to, and where one can link to within it. */
interface BuiltPage {
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

/**
 * Links of pages to paths that the site does not have, or to anchors that the page does not have. Links to other sites are not followed.
 * @param pages the HTML of each page by its path from the site's root, such as `/roles/cache.html`; where the site has a base, with it
 * @param assets paths of all other files
 */
export function findDeadLinks(pages: ReadonlyMap<string, string>, assets: ReadonlySet<string>): readonly string[] {
  const built = new Map([...pages].map(([path, html]) => [path, readPage(html)]));
  return [...built].flatMap(([path, { links }]) =>
    links
      .filter((link) => !leadsSomewhere(new URL(link, `http://site${path}`), built, assets))
      .map((link) => `${path} links to ${link}`),
  );
}

function leadsSomewhere(
  { host, pathname, hash }: URL,
  pages: ReadonlyMap<string, BuiltPage>,
  assets: ReadonlySet<string>,
): boolean {
  if (host !== "site") return true;
  const path = decodeURIComponent(pathname);
  if (assets.has(path)) return true;
  const page = pages.get(path) ?? pages.get(`${path}.html`) ?? pages.get(`${path.replace(/\/$/, "")}/index.html`);
  return page !== undefined && (hash === "" || page.anchors.has(decodeURIComponent(hash.slice(1))));
}

function readPage(html: string): BuiltPage {
  const valuesOf = (attribute: string) =>
    [...html.matchAll(new RegExp(` ${attribute}="([^"]*)"`, "g"))].map(([, value = ""]) =>
      value.replaceAll("&amp;", "&"),
    );
  return {
    links: [...valuesOf("href"), ...valuesOf("src")].filter((link) => !/^(?!https?:)[a-z]+:/.test(link)),
    anchors: new Set(valuesOf("id")),
  };
}
