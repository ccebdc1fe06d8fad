/** DEBUG PROTOCOL: one reply of each type that RESP3 has, for tests of clients. */
import type { Call } from "../../engine/call.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";

/** A double that needs few digits. */
const SAMPLE_DOUBLE = Number("3.141");

const REPLIES: Readonly<Record<string, (reply: ReplyWriter) => void>> = {
  string: (reply) => reply.bulkText("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double(SAMPLE_DOUBLE),
  bignum: (reply) => reply.bigNumber("1234567999999999999999999999999999999"),
  null: (reply) => reply.nil(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib(reply) {
    if (reply.resp3) {
      reply.attribute(1);
      reply.bulkText("key-popularity");
      reply.array(2);
      reply.bulkText("key:123");
      reply.integer(90);
    }
    reply.bulkText("Some real reply following the attribute");
  },
  push(reply) {
    if (!reply.resp3) {
      reply.error("ERR RESP2 is not supported by this command");
      return;
    }
    reply.push(2);
    reply.bulkText("server-cpu-usage");
    reply.integer(42);
    // A push is no reply: who waits for one must get one.
    reply.bulkText("Some real reply following the push reply");
  },
  verbatim: (reply) => reply.verbatim("This is a verbatim\nstring"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

const NAMES = Object.keys(REPLIES).join("|");

export function showProtocol(call: Call): void {
  const name = call.text(2).toLowerCase();
  if (Object.hasOwn(REPLIES, name)) {
    REPLIES[name](call.reply);
    return;
  }
  call.fail(`ERR Wrong protocol type name. Please use one of the following: ${NAMES}`);
}
