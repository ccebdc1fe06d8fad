/** The longest common subsequence of two strings, by the usual table of prefix lengths. */

/** A stretch that both strings have in common; both ends included. */
export interface CommonRange {
  readonly aFirst: number;
  readonly aLast: number;
  readonly bFirst: number;
  readonly bLast: number;
}

/** What one typed array can hold. */
export const MAX_TABLE_BYTES = 2 ** 32 - 4;

/** Bytes of the table for strings of these lengths. */
export function tableBytes(aLength: number, bLength: number): number {
  return (aLength + 1) * (bLength + 1) * 4;
}

export class CommonSubsequence {
  readonly length: number;
  private readonly a: Uint8Array;
  private readonly b: Uint8Array;
  /** At (i, j): the length for the first i bytes of a and the first j of b. */
  private readonly table: Uint32Array;
  private readonly width: number;

  constructor(a: Uint8Array, b: Uint8Array) {
    this.a = a;
    this.b = b;
    this.width = b.length + 1;
    this.table = new Uint32Array((a.length + 1) * this.width);
    this.fill();
    this.length = this.table[this.table.length - 1];
  }

  /** The subsequence itself. */
  bytes(): Uint8Array {
    const result = new Uint8Array(this.length);
    let left = this.length;
    this.walk((i) => (result[--left] = this.a[i]));
    return result;
  }

  /** The stretches it consists of, last first, as Redis lists them. */
  ranges(): CommonRange[] {
    const ranges: CommonRange[] = [];
    let aFirst = -1;
    let bFirst = -1;
    let size = 0;
    const close = (): void => {
      if (size === 0) return;
      ranges.push({ aFirst, aLast: aFirst + size - 1, bFirst, bLast: bFirst + size - 1 });
      size = 0;
    };
    this.walk((i, j) => {
      if (size > 0 && (i !== aFirst - 1 || j !== bFirst - 1)) close();
      aFirst = i;
      bFirst = j;
      size++;
    });
    close();
    return ranges;
  }

  private fill(): void {
    const { a, b, table, width } = this;
    for (let i = 1; i <= a.length; i++) {
      const byte = a[i - 1];
      const above = (i - 1) * width;
      let left = 0;
      for (let j = 1; j <= b.length; j++) {
        if (byte === b[j - 1]) left = table[above + j - 1] + 1;
        else if (table[above + j] > left) left = table[above + j];
        table[above + width + j] = left;
      }
    }
  }

  /** Visits the matching positions from the end of both strings. */
  private walk(visit: (i: number, j: number) => void): void {
    const { a, b, table, width } = this;
    let i = a.length;
    let j = b.length;
    while (i > 0 && j > 0) {
      if (a[i - 1] === b[j - 1]) {
        visit(--i, --j);
      } else if (table[(i - 1) * width + j] > table[i * width + j - 1]) i--;
      else j--;
    }
  }
}
