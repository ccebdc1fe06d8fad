/**
 * Blocked requests by their deadlines: a binary heap, the earliest first. Each request knows its
 * place in it, so that one that is answered leaves without a search. Those that wait for ever are
 * not in it.
 */
import type { BlockedRequest } from "./blocked-request.ts";

export class Deadlines {
  private readonly heap: BlockedRequest[] = [];

  get count(): number {
    return this.heap.length;
  }

  get first(): BlockedRequest | null {
    return this.heap[0] ?? null;
  }

  add(request: BlockedRequest): void {
    this.heap.push(request);
    this.rise(request, this.heap.length - 1);
  }

  remove(request: BlockedRequest): void {
    const at = request.heapIndex;
    if (at < 0) return;
    request.heapIndex = -1;
    const last = this.heap.pop();
    if (last === undefined || last === request) return;
    this.rise(last, at);
    this.sink(last, last.heapIndex);
  }

  private rise(request: BlockedRequest, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(request, this.heap[parent])) break;
      this.put(this.heap[parent], at);
      at = parent;
    }
    this.put(request, at);
  }

  private sink(request: BlockedRequest, from: number): void {
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.heap.length) break;
      const other = child + 1;
      if (other < this.heap.length && isEarlier(this.heap[other], this.heap[child])) child = other;
      if (!isEarlier(this.heap[child], request)) break;
      this.put(this.heap[child], at);
      at = child;
    }
    this.put(request, at);
  }

  private put(request: BlockedRequest, at: number): void {
    this.heap[at] = request;
    request.heapIndex = at;
  }
}

/** Of two deadlines in one millisecond the request that blocked first is the earlier. */
function isEarlier(one: BlockedRequest, other: BlockedRequest): boolean {
  if (one.deadlineMs !== other.deadlineMs) return one.deadlineMs < other.deadlineMs;
  return one.order < other.order;
}
