import { isText, type Fields } from "../../internal/fields.ts";
import { isWords, LongText } from "../../internal/long-text.ts";
import { madeOf } from "../origins.ts";
import { objectAt, uncarried, unfit } from "../rows.ts";

/** Name of this kind in errors. */
export const KIND = "responses";

/** Converts the content of a message or a tool result for the Responses API. @throws MarrowError `invalid_input` */
export function toContent(content: unknown, path: string): string | LongText | readonly Fields[] {
  if (content === undefined || content === null) return "";
  if (isWords(content)) return content;
  if (!Array.isArray(content)) throw unfit(path, "text or a list of parts", content);
  return content.map((part: unknown, at) => {
    const here = `${path}.${at}`;
    return madeOf(here, toPart(objectAt(part, here), here));
  });
}

/** Converts an assistant's text. */
export function toOutput(text: string | LongText): Fields {
  return { type: "output_text", text, annotations: [] };
}

/** Converts a part of a chat message. Its other fields are kept, except for marks of Anthropic's API. */
function toPart(part: Fields, path: string): Fields {
  const { type, text, image_url: image, file, cache_control: _, ...rest } = part;
  switch (type) {
    case "text":
      return { ...rest, type: "input_text", text };
    case "image_url": {
      const { url, detail = "auto" } = isWords(image) ? { url: image } : objectAt(image, `${path}.image_url`);
      if (!isText(url) && !(url instanceof LongText)) throw unfit(`${path}.image_url.url`, "a URL", url);
      return { ...rest, type: "input_image", image_url: url, detail };
    }
    case "file":
      return { ...rest, type: "input_file", ...objectAt(file, `${path}.file`) };
    default:
      throw uncarried(`${path}.type`, KIND, `a part of type ${String(type).slice(0, 64)}`);
  }
}
