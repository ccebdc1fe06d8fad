/** Loaded before any test file: what the files share is taken down once all of them have run. */
import { afterAll } from "bun:test";
import { stopEverything } from "./server.ts";

afterAll(stopEverything);
