import { describe, expect, it } from "vitest";
import { withPackage } from "./optional-package.ts";

const absent = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /app/x.js`), { code: "ERR_MODULE_NOT_FOUND" });

describe("what needs an optional package", () => {
  it("is loaded where the package is there", async () => {
    expect(await withPackage("a", "it", async () => 1)).toBe(1);
  });

  it("says how to install an absent package", async () => {
    const load = withPackage("@scope/sdk", "POST /mcp", () => Promise.reject(absent("@scope/sdk")));
    await expect(load).rejects.toMatchObject({
      code: "unsupported",
      message: "POST /mcp needs the package @scope/sdk: npm install @scope/sdk",
    });
  });

  it("leaves every other failure as it is", async () => {
    for (const error of [absent("another"), new SyntaxError("'a'")])
      await expect(withPackage("a", "it", () => Promise.reject(error))).rejects.toBe(error);
  });
});
