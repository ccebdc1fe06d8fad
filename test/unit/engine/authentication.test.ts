import { expect, test } from "bun:test";
import { samePassword } from "../../../src/engine/authentication.ts";

test("a password is right when all of it is", () => {
  expect(samePassword("secret", "secret")).toBe(true);
  expect(samePassword("\xff\x00", "\xff\x00")).toBe(true);
  for (const wrong of ["", "s", "secre", "secret ", "Secret", "secret\0", "xecret"]) {
    expect(samePassword(wrong, "secret")).toBe(false);
  }
});
