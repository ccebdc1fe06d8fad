/** What an RDB file's bytes go through: its checksum, and the compression of strings. */
import { bytesOf } from "../../src/base/bytes.ts";
import { Crc64 } from "../../src/base/crc64.ts";
import { decompressLzf } from "../../src/base/lzf.ts";
import { lzfCompress } from "../../src/base/lzf-compress.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";

const OPERATIONS = 64;
const BUFFER_BYTES = 65_536;
/** What compression must save. */
const LEAST_SAVED = 4;
const TOKEN = "user=00001234;token=0812345671;v";
const DOCUMENT =
  '{"id":1234,"name":"customer 1234","email":"customer1234@example.com","visits":17,' +
  '"tags":["first","second"],"address":{"street":"First Street 12","city":"First City"}}';

export const rdbBytes: readonly MicroBenchmark[] = [
  { name: "CRC-64 of 64 KB, per byte", prepare: checkedSum },
  { name: `LZF of ${TOKEN.length} bytes in vain`, prepare: () => compressed(bytesOf(TOKEN)) },
  {
    name: `LZF of JSON of ${DOCUMENT.length} bytes`,
    prepare: () => compressed(bytesOf(DOCUMENT)),
  },
  {
    name: `LZF of 64 KB of JSON, per byte`,
    prepare: () => perByte(compressed(manyDocuments()), BUFFER_BYTES),
  },
  {
    name: `JSON of ${DOCUMENT.length} bytes from its LZF`,
    prepare: () => decompressed(bytesOf(DOCUMENT)),
  },
  {
    name: `64 KB of JSON from its LZF, per byte`,
    prepare: () => perByte(decompressed(manyDocuments()), BUFFER_BYTES),
  },
];

/** The sum of the whole equals that of its parts, one after another. */
function checkedSum(): Body {
  const bytes = manyDocuments();
  const whole = new Crc64();
  for (let at = 0; at < bytes.length; at++) whole.update(bytes, at, 1);
  const sum = new Uint8Array(8);
  const crc = new Crc64();
  whole.write(sum, 0);
  return {
    operations: bytes.length,
    expected: sum[0],
    run() {
      crc.reset();
      crc.update(bytes, 0, bytes.length);
      crc.write(sum, 0);
      return sum[0];
    },
  };
}

function compressed(bytes: Uint8Array): Body {
  const target = new Uint8Array(bytes.length + 1);
  const room = bytes.length - LEAST_SAVED;
  const size = lzfCompress(bytes, 0, bytes.length, target, 0, room);
  return repeated(size, () => lzfCompress(bytes, 0, bytes.length, target, 0, room));
}

function decompressed(bytes: Uint8Array): Body {
  const packed = new Uint8Array(bytes.length + 1);
  const size = lzfCompress(bytes, 0, bytes.length, packed, 0, bytes.length - LEAST_SAVED);
  const target = new Uint8Array(bytes.length);
  const last = bytes.length - 1;
  return repeated(bytes[last], () =>
    decompressLzf(packed, 0, size, target, 0, bytes.length) ? target[last] : -1,
  );
}

function perByte(body: Body, bytes: number): Body {
  return { ...body, operations: body.operations * bytes };
}

function repeated(expected: number, once: () => number): Body {
  return {
    operations: OPERATIONS,
    expected: expected * OPERATIONS,
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum += once();
      return sum;
    },
  };
}

/** Documents that differ in their numbers. */
function manyDocuments(): Uint8Array {
  const bytes = new Uint8Array(BUFFER_BYTES);
  for (let at = 0, number = 1000; at < BUFFER_BYTES; number++) {
    const one = bytesOf(DOCUMENT.replaceAll("1234", String(number))).subarray(0, BUFFER_BYTES - at);
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}
