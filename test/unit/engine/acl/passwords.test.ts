import { expect, test } from "bun:test";
import { hashOf, isHash, sameHash } from "../../../../src/engine/acl/passwords.ts";

test("a password is kept as the SHA-256 of its bytes", () => {
  // From the command line: printf 'secret' | sha256sum
  const ofSecret = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
  expect(hashOf("secret")).toBe(ofSecret);
  expect(hashOf("\xff\x00")).not.toBe(hashOf("\xff"));
  expect(hashOf("\xff")).not.toBe(hashOf("\xc3\xbf"));
});

test("a hash is 64 lower case hexadecimal digits", () => {
  const hash = hashOf("x");
  expect(isHash(hash)).toBe(true);
  for (const wrong of ["", hash.slice(1), `${hash}0`, hash.toUpperCase(), `${hash.slice(1)}g`]) {
    expect(isHash(wrong)).toBe(false);
  }
});

test("a password is right when all of it is", () => {
  expect(sameHash(hashOf("secret"), hashOf("secret"))).toBe(true);
  for (const wrong of ["", "s", "secre", "secret ", "Secret", "secret\0", "xecret"]) {
    expect(sameHash(hashOf(wrong), hashOf("secret"))).toBe(false);
  }
  expect(sameHash("", hashOf("secret"))).toBe(false);
  expect(sameHash(hashOf("secret"), "")).toBe(false);
});
