import { z } from "zod";

/** Marks a text as not secret, so that `marrow config` shows it; all other texts are masked. */
export function shown(text: z.ZodString): z.ZodString {
  return text.meta({ shown: true });
}

/** Schema of a host as in a `Host` header without port: `gateway.example.com`, `192.168.1.5`, `[fd00::5]`. */
export const hostName: z.ZodString = z
  .string()
  .max(253)
  .regex(
    /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/i,
    "must be a host name or address, without a port",
  );
