/**
 * Why an RDB file or a payload can't be read. It is thrown, since a decoder can fail anywhere deep
 * inside, and caught by whoever began to read; it is always the input's fault, never a bug.
 */
export class RdbError extends Error {
  override readonly name = "RdbError";
  /** Where in the input: the byte that is wrong, or where the damaged value begins. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
