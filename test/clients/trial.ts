import type { TestGateway } from "../gateway.ts";

/** One feature of one client, tried on a gateway with only the base URL changed. Throws what does not hold. */
export interface Trial {
  readonly client: string;
  readonly feature: string;
  readonly run: (gateway: TestGateway) => Promise<void>;
}

/** Trials of one client by feature. */
export function trialsOf(client: string, features: Readonly<Record<string, Trial["run"]>>): Trial[] {
  return Object.entries(features).map(([feature, run]) => ({ client, feature, run }));
}

/** What the upstream was told last, without instructions: who said what. */
export function toldLast({ model }: TestGateway): string[] {
  const messages = model.requests.at(-1)?.body["messages"] as readonly {
    role: string;
    content: unknown;
    tool_calls?: unknown;
  }[];
  return messages
    .filter(({ role }) => role !== "system" && role !== "developer")
    .map(({ role, tool_calls: calls }) => (calls === undefined ? role : `${role}+calls`));
}

/** A picture of one pixel. */
export const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
