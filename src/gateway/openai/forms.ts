import type { GatewayConfig } from "../config/config.ts";
import { createFormRoom } from "../http/form-room.ts";
import type { GatewayApp } from "../parts.ts";
import { registerFiles } from "./files.ts";
import { registerForwarded } from "./forwarded.ts";

/** Registers the routes that take forms, which share one room, with the other forwarded ones. */
export function registerForms(
  parts: GatewayApp,
  { formBytesMax, vectorStores }: Pick<GatewayConfig, "formBytesMax" | "vectorStores">,
): void {
  const room = createFormRoom(Math.max(formBytesMax, vectorStores.fileBytesMax));
  registerForwarded(parts, { formBytesMax, room });
  registerFiles(parts, { ...vectorStores, room });
}
