import type { Clause } from "./clause.ts";
import type { Form } from "./frame.ts";
import type { Level } from "./level.ts";

/** Forms that ask for the same, in either order. */
const STRICT = pairs(
  "list explain, keywords list, keywords explain, keywords how, want list, want how, want keywords, keywords write",
);
const BALANCED = pairs(
  "where list, exists list, exists keywords, when list, exists want, keywords statement, keywords where, who keywords, who list, how yesno, want yesno, statement want, statement how",
);

const SHOWN: ReadonlySet<Form> = new Set(["display", "show", "keywords"]);

function listed(form: Form): Form {
  return form === "show" ? "list" : form;
}

/** Whether two sentences ask for the same kind of thing. */
export function sameForm(a: Clause, b: Clause, level: Level): boolean {
  if (a.form === b.form) return true;
  if (a.form === "display" || b.form === "display") return SHOWN.has(a.form) && SHOWN.has(b.form);
  const key = `${listed(a.form)} ${listed(b.form)}`;
  if (key === "list list") return true;
  // A system that can act would cancel the order for the one, and explain how for the other.
  if (level !== "aggressive" && (tellsHow(a, b, level) || tellsHow(b, a, level))) return false;
  return STRICT.has(key) || (level !== "strict" && BALANCED.has(key));
}

/** An order in full at `strict`; one that names whom or how many at `balanced`, too. */
function tellsHow(one: Clause, other: Clause, level: Level): boolean {
  const tells = one.commands === "errand" || (level === "strict" && one.commands === "tells");
  return tells && other.form === "how" && other.commands === "";
}

function pairs(list: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const pair of list.split(", ")) {
    const [one, other] = pair.split(" ") as [Form, Form];
    found.add(`${one} ${other}`).add(`${other} ${one}`);
  }
  return found;
}
