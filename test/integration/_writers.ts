/**
 * Clients that write until their server dies, and what must then be in its files. Each writer has a
 * database of its own and a model of it, an engine within the test. It sends groups of commands,
 * the last of which counts the groups; so the count that is found says which of them must be there,
 * and the model has the content that they make.
 */
import type { Random } from "../support/random.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { plainReply, quoteBytes } from "../support/readable.ts";
import type { RespClient } from "../support/resp-client.ts";
import { bulkItems } from "../support/content.ts";
import { changes, type Command } from "../support/changes.ts";

export interface WriterOptions {
  readonly database: number;
  /** Whether each group is a transaction: whole or absent. */
  readonly isTransaction: boolean;
}

const COUNTER = "count";
const GROUPS_AT_ONCE = 16;
const CHANGES = { keys: 8, hugeSize: 300, databases: 1, hasFieldExpiry: false };
/** What depends on chance or time, on other databases, or on how a stream is laid out. */
const LEFT_OUT = new Set(["SELECT", "MOVE", "SWAPDB", "FLUSHDB", "PEXPIRE", "SPOP"]);

export class Writer {
  readonly options: WriterOptions;
  private readonly changes: Generator<Command, never>;
  private readonly random: Random;
  private readonly model = newModel();
  /** Everything that the model has done. */
  private readonly history: Command[] = [];
  /** Groups that were sent since the server was last checked, and how many were acknowledged. */
  private sent: Command[][] = [];
  private acknowledged = 0;
  private lastId = 1_000_000;

  constructor(random: Random, options: WriterOptions) {
    this.random = random;
    this.options = options;
    this.changes = changes(random, CHANGES);
  }

  /** Groups that were acknowledged since the server was last checked. */
  get progress(): number {
    return this.acknowledged;
  }

  get groups(): number {
    return countOf(this.model);
  }

  /** Writes until the connection breaks. */
  async write(client: RespClient): Promise<void> {
    try {
      await client.do("SELECT", this.options.database);
      for (;;) await this.writeSome(client);
    } catch {
      await client.closed;
    }
  }

  private async writeSome(client: RespClient): Promise<void> {
    const groups = Array.from({ length: GROUPS_AT_ONCE }, () => this.nextGroup());
    this.sent.push(...groups);
    const { isTransaction } = this.options;
    const wrapped = isTransaction
      ? groups.map((group) => [["MULTI"], ...group, ["EXEC"]] as Command[])
      : groups;
    const replies = wrapped.map(async (group) => {
      await client.pipeline(group);
      this.acknowledged++;
    });
    const ends = await Promise.allSettled(replies);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  private nextGroup(): Command[] {
    const group: Command[] = [];
    const size = this.options.isTransaction ? this.random.between(1, 4) : 1;
    while (group.length < size) {
      const command = this.changes.next().value;
      const [name] = command;
      if (LEFT_OUT.has(name) || command.includes("~") || command.includes("DB")) continue;
      group.push(command.map((word) => (word === "*" ? `${++this.lastId}-0` : word)));
    }
    return [...group, ["INCR", COUNTER]];
  }

  /** Brings the model to what the server has, and says what is wrong, if anything. */
  async check(client: RespClient): Promise<string[]> {
    const found = await serverContent(client, this.options.database);
    const count = found.counter;
    const before = countOf(this.model);
    if (count < before + this.acknowledged) {
      return [`${before + this.acknowledged} groups were acknowledged, ${count} are there`];
    }
    for (let i = 0; i < count - before; i++) this.apply(this.sent[i]);
    const next = this.sent[count - before];
    let problems = unlike(found.keys, modelContent(this.model));
    if (problems.length > 0 && next !== undefined && !this.options.isTransaction) {
      // The first command of the group that was cut, without the one that counts it.
      this.apply(next.slice(0, 1));
      problems = unlike(found.keys, modelContent(this.model));
    }
    this.sent = [];
    this.acknowledged = 0;
    return problems;
  }

  private apply(commands: readonly Command[]): void {
    for (const command of commands) this.model.do(...command);
    this.history.push(...commands);
  }

  /** What is wrong with a server that has the content of some earlier moment. */
  async checkEarlier(client: RespClient): Promise<string[]> {
    const found = await serverContent(client, this.options.database);
    const model = newModel();
    const rest = [...this.history, ...this.sent.flat()];
    let at = 0;
    while (at < rest.length && countOf(model) < found.counter) model.do(...rest[at++]);
    const problems = unlike(found.keys, modelContent(model));
    if (problems.length === 0 || this.options.isTransaction || at === rest.length) return problems;
    model.do(...rest[at]);
    return unlike(found.keys, modelContent(model));
  }
}

function newModel(): LocalEngine {
  const model = new LocalEngine(1);
  // DEBUG.
  model.engine.allowsProtected = () => true;
  return model;
}

interface Found {
  readonly counter: number;
  /** Digest and expiry by key. */
  readonly keys: ReadonlyMap<string, string>;
}

async function serverContent(client: RespClient, database: number): Promise<Found> {
  await client.do("SELECT", database);
  const names = bulkItems((await client.do("KEYS *")).raw);
  const replies = await client.pipeline(
    names.flatMap((name) => [
      ["DEBUG", "DIGEST-VALUE", name],
      ["PEXPIRETIME", name],
    ]),
  );
  const keys = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const [digest, expiry] = replies.slice(i * 2).map(({ value }) => value);
    keys.set(quoteBytes(name), `${plainReply(digest)} ${plainReply(expiry)}`);
  }
  const counter = await client.value("GET", COUNTER);
  return { counter: counter === null ? 0 : Number(counter), keys };
}

function modelContent(model: LocalEngine): Map<string, string> {
  const keys = new Map<string, string>();
  for (const name of model.do("KEYS *") as string[]) {
    const digest = model.do("DEBUG", "DIGEST-VALUE", name);
    keys.set(
      quoteBytes(Buffer.from(name)),
      `${plainReply(digest)} ${plainReply(model.do("PEXPIRETIME", name))}`,
    );
  }
  return keys;
}

function countOf(model: LocalEngine): number {
  return Number(model.do("GET", COUNTER));
}

function unlike(found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const name of new Set([...found.keys(), ...wanted.keys()])) {
    const [is, should] = [found.get(name), wanted.get(name)];
    if (is !== should) problems.push(`${name} is ${is}, should be ${should}`);
  }
  return problems;
}
