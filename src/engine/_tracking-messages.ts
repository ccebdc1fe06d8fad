/**
 * Invalidation messages, byte for byte (sendTrackingMessage, tracking.c): a push for RESP3, a
 * message of the channel `__redis__:invalidate` for a subscriber that speaks RESP2. Behind either
 * stands the array of the keys, or null: all of them.
 */
import { ReplyWriter } from "../protocol/reply-writer.ts";

const CHANNEL = "__redis__:invalidate";

const writer = new ReplyWriter();

/** Writes the keys, or null, in the protocol that the writer is set to. */
type WriteKeys = (writer: ReplyWriter) => void;

/** One message in the forms that its receivers need, each made once. */
export class Invalidation {
  private push: Uint8Array | null = null;
  private channelMessage: Uint8Array | null = null;
  private readonly writeKeys: WriteKeys;

  constructor(writeKeys: WriteKeys) {
    this.writeKeys = writeKeys;
  }

  /** For RESP3. */
  get asPush(): Uint8Array {
    this.push ??= written(true, () => {
      writer.push(2);
      writer.bulkText("invalidate");
      this.writeKeys(writer);
    });
    return this.push;
  }

  /** For RESP2. */
  get asChannelMessage(): Uint8Array {
    this.channelMessage ??= written(false, () => {
      writer.array(3);
      writer.bulkText("message");
      writer.bulkText(CHANNEL);
      this.writeKeys(writer);
    });
    return this.channelMessage;
  }
}

export function ofKey(bytes: Uint8Array, start: number, length: number): Invalidation {
  return new Invalidation((to) => {
    to.array(1);
    to.bulk(bytes, start, length);
  });
}

export function ofKeys(keys: readonly string[]): Invalidation {
  return new Invalidation((to) => {
    to.array(keys.length);
    for (const key of keys) to.bulkText(key);
  });
}

export function ofEverything(): Invalidation {
  return new Invalidation((to) => to.nil());
}

/** Tells a RESP3 client that the one its messages are redirected to is gone. */
export function redirectBroken(redirectId: number): Uint8Array {
  return written(true, () => {
    writer.push(2);
    writer.bulkText("tracking-redir-broken");
    writer.integer(redirectId);
  });
}

function written(isResp3: boolean, write: () => void): Uint8Array {
  writer.clear();
  writer.resp3 = isResp3;
  write();
  return writer.bytes.slice(0, writer.at);
}
