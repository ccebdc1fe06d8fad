/** Every subject, in the order in which it is measured. To add one: a file, and a line here. */
import { arena } from "./arena.ts";
import type { Subject } from "./benchmark.ts";
import { byteTable } from "./byte-table.ts";
import { execute } from "./execute.ts";
import { hash } from "./hash.ts";
import { hyperLogLog } from "./hyperloglog.ts";
import { numbers } from "./numbers.ts";
import { rdbBytes } from "./rdb-bytes.ts";
import { replyWriter } from "./reply-writer.ts";
import { requestParser } from "./request-parser.ts";
import { sortedSet } from "./sorted-set.ts";

export const SUBJECTS: readonly Subject[] = [
  { name: "request-parser", benchmarks: requestParser },
  { name: "hash", benchmarks: hash },
  { name: "byte-table", benchmarks: byteTable },
  { name: "sorted-set", benchmarks: sortedSet },
  { name: "arena", benchmarks: arena },
  { name: "numbers", benchmarks: numbers },
  { name: "hyperloglog", benchmarks: hyperLogLog },
  { name: "rdb-bytes", benchmarks: rdbBytes },
  { name: "reply-writer", benchmarks: replyWriter },
  { name: "execute", benchmarks: execute },
];
