/**
 * Runs requests, each of them many times over, and marks on standard error where each begins and
 * ends: for a runtime that logs its collections there, as `garbage.test.ts` starts it. Each ends
 * with a full collection, so that the log tells what has been allocated.
 *
 *     bun test/unit/engine/_garbage-probe.ts COUNT 'GET key:7' PING
 */
import { gcAndSweep } from "bun:jsc";
import { RequestParser } from "../../../src/protocol/request-parser.ts";
import { splitLine } from "../../support/readable.ts";
import { encodeRequest } from "../../support/resp-client.ts";
import { Bench } from "../../support/engine-bench.ts";

const WARM_UP_COUNT = 30_000;
const MEMBERS = 1000;

const [, , count, ...lines] = process.argv;
const bench = new Bench();
const { session } = bench.connect();

function repeat(line: string, times: number): void {
  const { engine } = bench;
  const chunk = encodeRequest(splitLine(line));
  const parser = new RequestParser();
  for (let i = 0; i < times; i++) {
    engine.reply.clear();
    parser.position = 0;
    parser.next(chunk, chunk.length);
    engine.execute(session, parser.args);
  }
}

for (let i = 0; i < MEMBERS; i++) {
  repeat(`SET key:${i} value`, 1);
  repeat(`HSET hash field:${i} value`, 1);
  repeat(`SADD set member:${i}`, 1);
  repeat(`ZADD zset ${i} member:${i}`, 1);
  repeat(`RPUSH list member:${i}`, 1);
}
for (const line of lines) {
  repeat(line, WARM_UP_COUNT);
  gcAndSweep();
  console.error(`\nBEGIN ${line}`);
  repeat(line, Number(count));
  gcAndSweep();
  console.error(`\nEND ${line}`);
}
