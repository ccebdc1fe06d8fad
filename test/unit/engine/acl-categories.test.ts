import { expect, test } from "bun:test";
import { CATEGORIES, categoriesOf } from "../../../src/engine/acl-categories.ts";
import {
  ADMIN,
  BLOCKING,
  type Category,
  command,
  FAST,
  PUBSUB,
  READONLY,
  WRITE,
} from "../../../src/engine/command.ts";

function categories(flags: number, ...declared: Category[]): string {
  const one = command({
    name: "x",
    group: "generic",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    arity: 1,
    flags,
    categories: declared,
    run: () => {},
  });
  return categoriesOf(one).join(" ");
}

test("flags imply categories; what is not fast is slow", () => {
  expect(categories(0)).toBe("slow");
  expect(categories(FAST)).toBe("fast");
  expect(categories(WRITE | FAST)).toBe("write fast");
  expect(categories(READONLY)).toBe("read slow");
  expect(categories(ADMIN)).toBe("admin slow dangerous");
  expect(categories(PUBSUB | BLOCKING)).toBe("pubsub slow blocking");
});

test("scripts that only read are not reading commands", () => {
  expect(categories(READONLY, "scripting")).toBe("slow scripting");
});

test("declared ones join in, all in the order that clients are shown", () => {
  expect(categories(WRITE, "dangerous", "string", "keyspace")).toBe(
    "keyspace write string slow dangerous",
  );
  expect(new Set(CATEGORIES).size).toBe(CATEGORIES.length);
});
