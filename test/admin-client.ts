/** What a route of the administration answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks a gateway as a page or a script would. */
export interface AdminClient {
  readonly call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Signs in; answers the headers of a page's requests. */
  readonly signIn: (body: unknown) => Promise<{
    readonly status: number;
    readonly cookie: { readonly cookie: string };
    readonly writes: { readonly cookie: string; readonly "x-marrow-csrf": string };
    readonly set: string | null;
  }>;
}

/** Makes a client of the gateway whose origin `originOf` knows once it has started. */
export function createAdminClient(originOf: () => string): AdminClient {
  const call: AdminClient["call"] = async (method, path, body, headers = {}) => {
    const response = await fetch(originOf() + path, {
      method,
      redirect: "manual",
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(text) as Answer["body"]) : {},
    };
  };
  return {
    call,
    async signIn(body) {
      const { status, headers, body: session } = await call("POST", "/v1/admin/session", body);
      const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
      return {
        status,
        cookie: { cookie },
        writes: { cookie, "x-marrow-csrf": String(session["csrf"]) },
        set: headers.get("set-cookie"),
      };
    },
  };
}
