/**
 * Writing and reading the fields that frames are made of. Big-endian.
 *
 * | field  | bytes  | allowed values                                           |
 * | ------ | ------ | -------------------------------------------------------- |
 * | u8     | 1      | 0 to 255                                                 |
 * | u16    | 2      | 0 to 65,535                                              |
 * | u32    | 4      | 0 to 2^32 - 1                                            |
 * | f64    | 8      | IEEE double; only whole numbers are used                 |
 * | varint | 1 to 8 | 0 to 2^53 - 1; seven bits a byte, lowest first, bit 7 set |
 * |        |        | where another byte follows; no longer than needed        |
 * | text   | n      | varint (bytes), then UTF-8                               |
 */
import { ProtocolError } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text up to this long is tried as ASCII, by hand, before the codec is asked. */
const SHORT_TEXT = 48;

/** Collects fields in a buffer that grows, and is used again after a reset. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** @param capacity Bytes to begin with. */
  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written, as a view; good until the next write. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Starts again after the first `length` bytes, which stay. */
  reset(length = 0): void {
    this.#length = length;
  }

  /** Leaves `length` bytes for later; what they hold now is not defined. */
  skip(length: number): void {
    this.#reserve(length);
    this.#length += length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** @throws {RangeError} If `value` is no whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.#reserve(8);
    if (value < 0x80 && value >= 0 && Number.isInteger(value)) {
      this.#bytes[this.#length++] = value;
      return;
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Cannot write ${value} as a varint`);
    }
    while (value > 0x7fff_ffff) {
      this.#bytes[this.#length++] = value % 0x80 | 0x80;
      value = Math.floor(value / 0x80);
    }
    while (value > 0x7f) {
      this.#bytes[this.#length++] = value & 0x7f | 0x80;
      value >>>= 7;
    }
    this.#bytes[this.#length++] = value;
  }

  /** Length and UTF-8 of `value`; a lone surrogate becomes U+FFFD. */
  text(value: string): void {
    const units = value.length;
    this.#reserve(8 + 3 * units);
    if (units <= SHORT_TEXT) {
      const bytes = this.#bytes;
      const start = this.#length + 1;
      let i = 0;
      for (; i < units; i++) {
        const unit = value.charCodeAt(i);
        if (unit >= 0x80) break;
        bytes[start + i] = unit;
      }
      if (i === units) {
        bytes[start - 1] = units;
        this.#length = start + units;
        return;
      }
    }
    const utf8 = encoder.encode(value);
    this.varint(utf8.length);
    this.raw(utf8);
  }

  /** `bytes` as they are, without a length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/**
 * Takes fields out of `bytes`, in order. Each call names what it reads, for the
 * message of the {@link ProtocolError} that it throws where the bytes end too
 * early or hold what is not allowed.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(what: string): number {
    const at = this.#take(1, what);
    return this.#bytes[at]!;
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#take(2, what));
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what));
  }

  /** A finite whole number within ±`max`. */
  integer(max: number, what: string): number {
    const value = this.#view.getFloat64(this.#take(8, what));
    if (Number.isInteger(value) && value >= -max && value <= max) {
      // -0 equals 0, but not everywhere: it must not come in.
      return value + 0;
    }
    throw new ProtocolError(`Cannot read ${what}: ${value} is out of range`);
  }

  /** A whole number from 0 to `max`, which is at most 2^53 - 1. */
  varint(max: number, what: string): number {
    const first = this.#bytes[this.#take(1, what)]!;
    if (first < 0x80) {
      if (first <= max) return first;
      throw outOfRange(first, max, what);
    }
    let value = first & 0x7f;
    for (let scale = 0x80;; scale *= 0x80) {
      const byte = this.#bytes[this.#take(1, what)]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0) {
          throw new ProtocolError(`Cannot read ${what}: number too long`);
        }
        break;
      }
      // Eight bytes hold 56 bits: no more can be right.
      if (scale >= 2 ** 49) {
        throw new ProtocolError(`Cannot read ${what}: number too long`);
      }
    }
    if (value <= max) return value;
    throw outOfRange(value, max, what);
  }

  /** Text of at most `maxBytes` bytes of well-formed UTF-8. */
  text(maxBytes: number, what: string): string {
    const length = this.varint(maxBytes, what);
    const start = this.#take(length, what);
    const bytes = this.#bytes;
    if (length <= SHORT_TEXT) {
      let i = start;
      while (i < start + length && bytes[i]! < 0x80) i++;
      if (i === start + length) {
        const units = bytes.subarray(start, i) as unknown as number[];
        return String.fromCharCode.apply(null, units);
      }
    }
    try {
      return decoder.decode(bytes.subarray(start, start + length));
    } catch (cause) {
      throw new ProtocolError(
        `Cannot read ${what}: not well-formed UTF-8`,
        "protocol",
        { cause },
      );
    }
  }

  /** The next `length` bytes, as a view. */
  raw(length: number, what: string): Uint8Array {
    const start = this.#take(length, what);
    return this.#bytes.subarray(start, start + length);
  }

  /** Makes sure that all was read. */
  end(what: string): void {
    if (this.left === 0) return;
    throw new ProtocolError(
      `Cannot read ${what}: ${this.left} bytes too many`,
    );
  }

  #take(length: number, what: string): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw new ProtocolError(
        `Cannot read ${what}: ${length} bytes needed, ${this.left} left`,
      );
    }
    this.#at = start + length;
    return start;
  }
}

function outOfRange(value: number, max: number, what: string): ProtocolError {
  return new ProtocolError(
    `Cannot read ${what}: ${value} is more than ${max}`,
  );
}
