/**
 * The stream of effects: what commands changed, as the commands that repeat the change. The
 * AOF and the replication stream receive it.
 *
 * While a command runs, effects collect here; when it has run they go to the sinks, as a MULTI
 * group where there are several, so that no reader ever sees half of one command's effects.
 * The common case, one effect that is the request itself, is passed on without a copy.
 */
import { bytesOf } from "../base/bytes.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { RequestWriter } from "../protocol/request-writer.ts";

export interface EffectSink {
  /** Whether it is passed on what changes nothing: messages to subscribers. */
  readonly takesMessages?: boolean;
  /** One or more whole commands in RESP that belong to this database. */
  append(database: number, bytes: Uint8Array, start: number, length: number): void;
  /** As `append`, for a request in the buffer it came in, which is never written again. */
  appendRequest(database: number, bytes: Uint8Array, start: number, length: number): void;
}

const MULTI = bytesOf("*1\r\n$5\r\nMULTI\r\n");
const EXEC = bytesOf("*1\r\n$4\r\nEXEC\r\n");

export class Effects {
  /** Groups passed on since the start; who runs commands compares. */
  appendedCount = 0;
  /** What runs is part of something larger (EXEC, a script): effects collect until its end. */
  private isHeld = false;
  private readonly sinks: EffectSink[] = [];
  /** Those of them that take messages. */
  private messageSinks = 0;
  private readonly out = new RequestWriter();
  /** The commands collected: where each begins, and the database it belongs to. */
  private readonly starts: number[] = [];
  private readonly databases: number[] = [];
  /** Those of them that are messages, by where they begin. */
  private readonly messages = new Set<number>();

  /** Whether anybody listens; otherwise nothing needs to be written. */
  get isActive(): boolean {
    return this.sinks.length > 0;
  }

  get pendingCount(): number {
    return this.starts.length;
  }

  attach(sink: EffectSink): void {
    this.sinks.push(sink);
    if (sink.takesMessages === true) this.messageSinks++;
  }

  detach(sink: EffectSink): void {
    const index = this.sinks.indexOf(sink);
    if (index < 0) return;
    this.sinks.splice(index, 1);
    if (sink.takesMessages === true) this.messageSinks--;
  }

  /** Has `step` run without anybody hearing of what it does. */
  unheard<Result>(step: () => Result): Result {
    const sinks = this.sinks.splice(0);
    const result = step();
    this.sinks.push(...sinks);
    return result;
  }

  /** Begins a command of `count` arguments, which `word`, `range` and `integer` follow. */
  begin(database: number, count: number): void {
    this.starts.push(this.out.length);
    this.databases.push(database);
    this.out.begin(count);
  }

  word(text: string): void {
    this.out.word(text);
  }

  range(bytes: Uint8Array, start: number, length: number): void {
    this.out.range(bytes, start, length);
  }

  argument(args: Arguments, index: number): void {
    this.out.range(args.bytes, args.starts[index], args.lengths[index]);
  }

  integer(value: number | bigint): void {
    this.out.integer(value);
  }

  /** A whole request, re-encoded. */
  request(database: number, args: Arguments): void {
    this.begin(database, args.count);
    for (let i = 0; i < args.count; i++) this.argument(args, i);
  }

  /**
   * A request that changes nothing here, but is to be repeated by replicas (PUBLISH), or what its
   * arguments from `from` on say.
   */
  message(database: number, args: Arguments, from = 0): void {
    if (this.messageSinks === 0) return;
    this.messages.add(this.starts.length);
    this.begin(database, args.count - from);
    for (let i = from; i < args.count; i++) this.argument(args, i);
  }

  /** From now on effects collect, whatever ends meanwhile. */
  hold(): void {
    this.isHeld = true;
  }

  /** Passes on all that was collected since `hold`, as one group. */
  release(): void {
    this.isHeld = false;
    this.finish();
  }

  /** Passes on what was collected so far, in the middle of something larger: a sink is to leave. */
  releaseSoFar(): void {
    const { isHeld } = this;
    this.isHeld = false;
    this.finish();
    this.isHeld = isHeld;
  }

  /** Passes on a request as it came, behind whatever else was collected. */
  finishWithRequest(database: number, args: Arguments): void {
    if (this.isHeld && args.rawIsExact) {
      this.exactRequest(database, args);
      return;
    }
    if (this.starts.length > 0 || !args.rawIsExact) {
      this.request(database, args);
      this.finish();
      return;
    }
    this.appendedCount++;
    const length = args.rawEnd - args.rawStart;
    for (let i = 0; i < this.sinks.length; i++) {
      this.sinks[i].appendRequest(database, args.bytes, args.rawStart, length);
    }
  }

  /** Passes on what was collected. */
  finish(): void {
    const count = this.starts.length;
    if (count === 0 || this.isHeld) return;
    this.appendedCount++;
    for (const sink of this.sinks) {
      const isGroup = this.countFor(sink) > 1;
      if (isGroup) sink.append(this.databases[0], MULTI, 0, MULTI.length);
      this.appendCollected(sink, count);
      if (isGroup) sink.append(this.databases[count - 1], EXEC, 0, EXEC.length);
    }
    this.drop();
  }

  /** As `finish`, without a group: for removals that have nothing to do with each other. */
  finishEach(): void {
    const count = this.starts.length;
    if (count === 0 || this.isHeld) return;
    this.appendedCount++;
    for (const sink of this.sinks) this.appendCollected(sink, count);
    this.drop();
  }

  /** Forgets what was collected. */
  drop(): void {
    this.starts.length = 0;
    this.databases.length = 0;
    this.messages.clear();
    this.out.clear();
  }

  private countFor(sink: EffectSink): number {
    return this.starts.length - (sink.takesMessages === true ? 0 : this.messages.size);
  }

  private exactRequest(database: number, args: Arguments): void {
    this.starts.push(this.out.length);
    this.databases.push(database);
    this.out.raw(args.bytes, args.rawStart, args.rawEnd - args.rawStart);
  }

  private appendCollected(sink: EffectSink, count: number): void {
    const { bytes, length } = this.out;
    for (let i = 0; i < count; i++) {
      if (sink.takesMessages !== true && this.messages.has(i)) continue;
      const end = i + 1 < count ? this.starts[i + 1] : length;
      sink.append(this.databases[i], bytes, this.starts[i], end - this.starts[i]);
    }
  }
}
