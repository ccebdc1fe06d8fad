/** Frozen values made by copying: what large ones are to an encoder. */
import { ValueReader } from "../../../src/keyspace/value-reader.ts";
import type { Arena, Ref } from "../../../src/memory/arena.ts";
import { ByteView } from "../../../src/memory/element.ts";
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STRING,
  TYPE_ZSET,
} from "../../../src/memory/entry.ts";
import type { FrozenValue } from "../../../src/values/frozen.ts";
import type { HashValue } from "../../../src/values/hash.ts";
import type { SortedSetValue } from "../../../src/values/sorted-set.ts";
import { StreamId } from "../../../src/values/stream-id.ts";
import { StringView } from "../../../src/values/string.ts";
import type { LocalEngine } from "../../support/local-engine.ts";

/** The value of an entry that holds a string or a large collection. */
export function frozenCopy({ engine }: LocalEngine, arena: Arena, ref: Ref): FrozenValue {
  const reader = new ValueReader(engine.context);
  switch (reader.open(arena, ref)) {
    case TYPE_STRING: {
      const view = new StringView();
      view.read(arena, ref);
      const bytes = view.bytes.slice(view.start, view.start + view.length);
      return { kind: "string", bytes, thaw };
    }
    case TYPE_SET: {
      const { set } = reader;
      const members: ByteView[] = [];
      set.rewind();
      while (set.next()) members.push(copied(set.member));
      const walk = walkOver(members);
      return {
        kind: "set",
        size: set.size,
        thaw,
        walk: (budget, visit) => walk(budget, (member) => visit(member)),
      };
    }
    case TYPE_HASH:
      return frozenHash(reader.hash);
    case TYPE_ZSET:
      return frozenSortedSet(reader.sortedSet);
    case TYPE_LIST: {
      const chunks: [Uint8Array, number, number, number][] = [];
      reader.list.visitChunks((bytes, start, length, count) => {
        chunks.push([bytes.slice(start, start + length), 0, length, count]);
      });
      const walk = walkOver(chunks);
      return {
        kind: "list",
        chunkCount: chunks.length,
        thaw,
        walk: (budget, visit) => walk(budget, (chunk) => visit(...chunk)),
      };
    }
    default: {
      const nodes: [StreamId, Uint8Array, number, number][] = [];
      reader.stream.stream.visitNodes((id, bytes, start, length) => {
        nodes.push([new StreamId().copy(id), bytes.slice(start, start + length), 0, length]);
      });
      const walk = walkOver(nodes);
      return {
        kind: "stream",
        nodeCount: nodes.length,
        thaw,
        walk: (budget, visit) => walk(budget, (node) => visit(...node)),
      };
    }
  }
}

function frozenHash(hash: HashValue): FrozenValue {
  const fields: [ByteView, ByteView, number][] = [];
  hash.rewind();
  while (hash.next()) {
    fields.push([copied(hash.field), copied(hash.value), hash.fieldExpiryMs]);
  }
  const walk = walkOver(fields);
  return {
    kind: "hash",
    size: hash.size,
    firstExpiryMs: hash.firstExpiryMs,
    thaw,
    walk: (budget, visit) => walk(budget, (field) => visit(...field)),
  };
}

function frozenSortedSet(sortedSet: SortedSetValue): FrozenValue {
  const members: [ByteView, number][] = [];
  sortedSet.rewind();
  while (sortedSet.next()) members.push([copied(sortedSet.member), sortedSet.score]);
  const walk = walkOver(members);
  return {
    kind: "zset",
    size: sortedSet.size,
    thaw,
    walk: (budget, visit) => walk(budget, (member) => visit(...member)),
  };
}

function walkOver<Part>(
  parts: readonly Part[],
): (budget: number, show: (part: Part) => void) => boolean {
  let next = 0;
  return (budget, show) => {
    const end = Math.min(parts.length, next + budget);
    while (next < end) show(parts[next++]);
    return next < parts.length;
  };
}

function copied({ bytes, start, length }: ByteView): ByteView {
  const copy = new ByteView();
  copy.set(bytes.slice(start, start + length), 0, length);
  return copy;
}

function thaw(): void {}
