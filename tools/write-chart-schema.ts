/** Writes what `config` of the Helm chart's values may hold into their schema, out of the configuration's own schema: npm run chart:schema */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { configSchema } from "../src/gateway/config/config.ts";

const FILE = fileURLToPath(new URL("../deploy/helm/marrow/values.schema.json", import.meta.url));

/** Fields that the chart sets itself by variables, which beat the file. */
const OWN_FIELDS = ["host", "port", "drainMs", "drainDelayMs"];
/** A config map is no place for a secret. Helm's patterns are Go's: they cannot look ahead. Inline flags as (?i:…) are not used: V8 matches them wrongly at times. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(["apiKey"]);
const SECRET_HEADER = [
  `^(${anyCase("proxy-")})?${anyCase("authorization")}$`,
  ...["key", "token", "secret"].map((word) => `${anyCase(word)}$`),
  `^${anyCase("cookie")}$`,
].join("|");
const SECRET_QUERY = `[?&][a-zA-Z_-]*(${["key", "token", "secret", "password", "sig", "code"].map(anyCase).join("|")})=`;
const SECRET_URL = `//[^/?#]*@|${SECRET_QUERY}`;

type Schema = { [name: string]: unknown };

/** The schema of `config`. Pure. */
export function chartConfigSchema(): Schema {
  const whole = z.toJSONSchema(configSchema, { io: "output", target: "draft-7", unrepresentable: "any" }) as Schema;
  const { $schema: _, ...schema } = whole;
  const config = tidy(schema) as Schema;
  const properties = config["properties"] as Schema;
  for (const field of OWN_FIELDS) properties[field] = false;
  return config;
}

/** A pattern of a word in letters of any case. */
function anyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

function tidy(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => tidy(one));
  if (typeof value !== "object" || value === null) return value;
  const schema: Schema = {};
  for (const [key, inner] of Object.entries(value)) {
    // What has a default may be left out, and is required of what comes out.
    if (key === "required" || key === "default" || key === "format") continue;
    if (key === "pattern" && /\(\?[=!<]/.test(String(inner))) continue;
    if (key !== "properties") schema[key] = tidy(inner, name);
    else
      schema[key] = Object.fromEntries(
        Object.entries(inner as Schema).map(([field, of]) => [
          field,
          SECRET_FIELDS.has(field) ? false : tidy(of, field),
        ]),
      );
  }
  if (name === "headers" && schema["type"] === "object") schema["propertyNames"] = { not: { pattern: SECRET_HEADER } };
  if (/url$/i.test(name) && schema["type"] === "string") schema["not"] = { pattern: SECRET_URL };
  return schema;
}

/** The text of the values' schema with this `config`, and what no URL of an upstream may hold. */
export function chartSchema(before: string): string {
  const schema = JSON.parse(before) as {
    properties: { config: unknown; upstream: { properties: { url: { not: Schema } } } };
  };
  schema.properties.config = chartConfigSchema();
  schema.properties.upstream.properties.url.not = { pattern: SECRET_QUERY };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, chartSchema(readFileSync(FILE, "utf8")));
