/** The page of the HTTP API, made of the gateway's OpenAPI document. Pure. */

/** The parts of an OpenAPI document that the page shows. */
export interface OpenApi {
  readonly info: { readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A Markdown page with a section for each resource and a heading for each route. */
export function toApiPage({ info, paths }: OpenApi): string {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const tags = [...new Set(routes.flatMap(({ operation }) => operation.tags))];
  const sections = tags.map((tag) => {
    const own = routes.filter(({ operation }) => operation.tags.includes(tag));
    return `## ${toTitle(tag)}\n\n${own.map(toRouteSection).join("\n\n")}`;
  });
  return [
    "# HTTP API",
    info.description,
    `This page is made of what a gateway of version ${info.version} answers at \`GET /openapi.json\`. You can also [download that document](/openapi.json){target="_self"}. Errors are described [by their code](/errors.md). Every route takes \`authorization: Bearer <key>\`, unless it is marked as open.`,
    ...sections,
    "",
  ].join("\n\n");
}

function toRouteSection({
  method,
  path,
  operation,
}: {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}): string {
  const { summary = "", parameters = [], requestBody } = operation;
  const open = operation.security?.length === 0 ? " Open: needs no key." : "";
  const body = requestBody?.content["application/json"]?.schema;
  const rows = [
    ...parameters.map((one) => toRow(one.name, one.in, one.schema, one.required)),
    ...(body === undefined ? [] : toBodyRows(body)),
  ];
  const table = rows.length === 0 ? "" : `\n\n| field | in | type | required |\n|---|---|---|---|\n${rows.join("\n")}`;
  return `### \`${method} ${path}\`\n\n${summary}${open}${table}`;
}

/** A row for each field of a body; of a body in several forms, for each field of any of them. */
function toBodyRows(schema: Schema): readonly string[] {
  const forms = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const fields = new Map<string, { readonly schema: Schema; readonly required: boolean }>();
  for (const { properties = {}, required = [] } of forms)
    for (const [name, one] of Object.entries(properties))
      if (!fields.has(name)) fields.set(name, { schema: one, required: required.includes(name) });
  return [...fields].map(([name, one]) => toRow(name, "body", one.schema, one.required));
}

function toRow(name: string, place: string, schema: Schema, required: boolean): string {
  return `| \`${name}\` | ${place} | ${toType(schema)}${toBounds(schema)} | ${required ? "yes" : "no"} |`;
}

function toType(schema: Schema): string {
  if (schema.const !== undefined) return toCode(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(toCode).join(" or ");
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return [...new Set(forms.map(toType))].join(" or ");
  if (schema.type === "array") return `array of ${schema.items === undefined ? "any" : toType(schema.items)}`;
  if (schema.type === undefined) return "any";
  return typeof schema.type === "string" ? schema.type : schema.type.join(" or ");
}

const toCode = (value: unknown) => `\`${JSON.stringify(value)}\``;

/** Bounds as words. What is as large as an integer can be is no bound. */
function toBounds(schema: Schema): string {
  const said = [
    toRange("", schema.minimum, schema.maximum),
    toRange(" characters", schema.minLength, schema.maxLength),
    toRange(" items", schema.minItems, schema.maxItems),
    schema.default === undefined ? "" : `default ${toCode(schema.default)}`,
  ].filter((one) => one !== "");
  return said.length === 0 ? "" : `, ${said.join(", ")}`;
}

function toRange(unit: string, from: number | undefined, to: number | undefined): string {
  const least = from !== undefined && from > Number.MIN_SAFE_INTEGER ? `at least ${from}` : "";
  const most = to !== undefined && to < Number.MAX_SAFE_INTEGER ? `at most ${to}` : "";
  const both = [least, most].filter((one) => one !== "").join(", ");
  return both === "" ? "" : `${both}${unit}`;
}

/** `vector_store` and `vectorStore` as a heading. */
function toTitle(tag: string): string {
  const words = tag
    .replaceAll(/[-_]/g, " ")
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
