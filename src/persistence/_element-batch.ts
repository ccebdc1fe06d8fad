/**
 * Some elements of one collection on their way into a command: RPUSH, SADD, HMSET or ZADD, and for
 * a hash HPEXPIREAT of each field among them that expires. How many there are is known only when
 * the batch is taken, so the arguments are kept apart from what precedes them.
 */
import { RequestWriter } from "../protocol/request-writer.ts";
import { type ByteRange, writeRange } from "./_arguments.ts";

/** As many as Redis writes (AOF_REWRITE_ITEMS_PER_CMD). */
const MAX_ELEMENTS = 64;
/** A batch of large elements ends earlier. */
const MAX_BYTES = 1 << 20;

export class ElementBatch {
  private word = "";
  private key: ByteRange | null = null;
  private argumentCount = 0;
  private elements = 0;
  private readonly args = new RequestWriter();
  private readonly expiries = new RequestWriter();

  /** What follows are elements of this key. The batch before must have been taken. */
  open(word: string, key: ByteRange): void {
    this.word = word;
    this.key = key;
  }

  get isFull(): boolean {
    return this.elements >= MAX_ELEMENTS || this.args.length >= MAX_BYTES;
  }

  add(element: ByteRange): void {
    writeRange(this.args, element);
    this.argumentCount++;
    this.elements++;
  }

  addPair(field: ByteRange, value: ByteRange): void {
    writeRange(this.args, field);
    writeRange(this.args, value);
    this.argumentCount += 2;
    this.elements++;
  }

  addScored(member: ByteRange, score: number): void {
    this.args.double(score);
    writeRange(this.args, member);
    this.argumentCount += 2;
    this.elements++;
  }

  /** The field, which was added, expires. */
  expire(field: ByteRange, expiryMs: number): void {
    const { expiries } = this;
    expiries.begin(6);
    expiries.word("HPEXPIREAT");
    if (this.key !== null) writeRange(expiries, this.key);
    expiries.integer(expiryMs);
    expiries.word("FIELDS");
    expiries.integer(1);
    writeRange(expiries, field);
  }

  /** Moves what there is to `out` as whole commands. */
  take(out: RequestWriter): void {
    const { args, expiries, key } = this;
    if (this.elements === 0 || key === null) return;
    out.begin(2 + this.argumentCount);
    out.word(this.word);
    writeRange(out, key);
    out.raw(args.bytes, 0, args.length);
    out.raw(expiries.bytes, 0, expiries.length);
    args.clear();
    expiries.clear();
    this.argumentCount = 0;
    this.elements = 0;
  }
}
