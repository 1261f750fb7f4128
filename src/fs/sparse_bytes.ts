/** The content of a file in memory: gaps read as zeros and take no room. */

/** Longest page; each is only as long as what was written to it. */
const PAGE_BYTES = 64 * 1024;

/** A part of one page: its number, and where in it the part begins and ends. */
interface Span {
  readonly page: number;
  readonly start: number;
  readonly end: number;
}

export class SparseBytes {
  readonly #pages = new Map<number, Uint8Array>();
  #size = 0;

  /** Length in bytes, gaps included. */
  get size(): number {
    return this.#size;
  }

  /** Copies from `offset` on into `into`: how many bytes; 0 only at the end. */
  read(into: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(into.length, this.#size - offset));
    let done = 0;
    while (done < length) {
      const span = spanAt(offset + done, length - done);
      const part = into.subarray(done, done + span.end - span.start).fill(0);
      const page = this.#pages.get(span.page);
      if (page !== undefined) part.set(page.subarray(span.start, span.end));
      done += part.length;
    }
    return length;
  }

  /** Puts all of `bytes` at `offset`. */
  write(bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      const span = spanAt(offset + done, bytes.length - done);
      const part = bytes.subarray(done, done + span.end - span.start);
      this.#pageWithRoom(span).set(part, span.start);
      done += part.length;
    }
    if (done > 0) this.#size = Math.max(this.#size, offset + done);
  }

  /** Cuts off, or lengthens with a gap. */
  truncate(size: number): void {
    for (const [index, page] of this.#pages) {
      const kept = size - index * PAGE_BYTES;
      if (kept <= 0) this.#pages.delete(index);
      else if (kept < page.length) this.#pages.set(index, page.slice(0, kept));
    }
    this.#size = size;
  }

  /** All of it, copied. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    this.read(bytes, 0);
    return bytes;
  }

  #pageWithRoom(span: Span): Uint8Array {
    const page = this.#pages.get(span.page);
    if (page !== undefined && page.length >= span.end) return page;
    const room = page === undefined
      ? span.end
      : Math.min(PAGE_BYTES, Math.max(span.end, page.length * 2));
    const longer = new Uint8Array(room);
    if (page !== undefined) longer.set(page);
    this.#pages.set(span.page, longer);
    return longer;
  }
}

/** Of the `length` bytes from `offset` on, those that lie in the first page. */
function spanAt(offset: number, length: number): Span {
  const page = Math.floor(offset / PAGE_BYTES);
  const start = offset - page * PAGE_BYTES;
  return { page, start, end: Math.min(PAGE_BYTES, start + length) };
}
