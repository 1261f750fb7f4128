/**
 * Messages that nobody has thought of: frames of a corpus, damaged, and frames
 * made by the grammar of the protocol with odd things in them. The checksum is
 * always right, so that the damage gets to the decoders.
 */
import { zstdCompressSync } from "node:zlib";
import { putFrameHeader } from "../../src/protocol/frame.ts";
import {
  FRAME_HEADER_BYTES,
  MESSAGE_HEADER_BYTES,
  PAGE_HEADER_BYTES,
} from "../../src/protocol/limits.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { helloRecord } from "./hostile_peer.ts";
import {
  bytes,
  children,
  directory,
  failure,
  file,
  goodbye,
  hole,
  path,
  piece,
  problem,
  put,
  remove,
  summary,
  symlink,
  type Text,
  text,
  touch,
  tree,
  varint,
  want,
} from "./hostile_records.ts";
import type { Random } from "./random.ts";
import { encodeMessage, joined, sealed } from "./wire_message.ts";

/** Where the length of the first frame stands. */
const LENGTH_AT = PAGE_HEADER_BYTES - 4;

const ODD_BYTES = [0, 1, 2, 7, 8, 0x0f, 0x10, 0x7f, 0x80, 0xc0, 0xed, 0xff];
const ODD_NUMBERS = [
  ...[0, 1, 2, 12, 127, 128, 255, 256, 300, 2_047, 2_049, 65_535, 65_537],
  ...[262_128, 262_144, 2 ** 22, 5_000_000, 5_000_001, 2 ** 31, 2 ** 32 - 1],
  ...[2 ** 32, 2 ** 47, 2 ** 53 - 1],
];
const ODD_TIMES = [
  0,
  1000,
  -1,
  -0,
  0.5,
  NaN,
  Infinity,
  1e300,
  8.64e15,
  2 ** 63,
];
const ODD_NAMES: readonly Text[] = [
  "",
  ".",
  "..",
  "/",
  "a",
  "a/b",
  "a/../b",
  "a//b",
  ".lockstep",
  ".lockstep/stage",
  "__proto__",
  "\0",
  "\u202e",
  "x".repeat(255),
  "x".repeat(1_021),
  "d/".repeat(2_049),
  bytes(0xc0, 0xaf),
  bytes(0xed, 0xa0, 0x80),
  bytes(0xff),
];

/** Makes messages, by chance, from a corpus of such. */
export class FrameFuzzer {
  readonly #random: Random;
  readonly #corpus: readonly Uint8Array<ArrayBuffer>[];

  /** @param corpus Whole messages, which stay as they are. */
  constructor(random: Random, corpus: readonly Uint8Array<ArrayBuffer>[]) {
    this.#random = random;
    this.#corpus = corpus;
  }

  /** The next message. */
  next(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    let message = random.below(8) === 0
      ? this.#generated()
      : random.pick(this.#corpus).slice();
    const changes = random.below(5);
    const header = message.slice(0, LENGTH_AT);
    for (let i = 0; i < changes; i++) message = this.#changed(message);
    const missing = MESSAGE_HEADER_BYTES - message.length;
    if (missing > 0) message = joined(message, new Uint8Array(missing));
    // Often the header is right, or the payload would hardly be looked at.
    if (message.length >= PAGE_HEADER_BYTES && random.below(5) > 0) {
      message.set(header);
      const length = message.length - PAGE_HEADER_BYTES;
      new DataView(message.buffer).setUint32(LENGTH_AT, length);
    }
    return sealed(message);
  }

  /** `message` with one change. */
  #changed(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    if (message.length === 0) return random.bytes(random.between(1, 30));
    const at = random.below(message.length);
    const before = message.subarray(0, at);
    const behind = message.subarray(at);
    switch (random.below(10)) {
      case 0:
        message[at]! ^= 1 << random.below(8);
        return message;
      case 1:
        message[at] = random.pick(ODD_BYTES);
        return message;
      case 2:
        return before.slice();
      case 3:
        return joined(before, behind.subarray(random.between(1, 8)));
      case 4:
        return joined(before, random.bytes(random.between(1, 9)), behind);
      case 5:
        return joined(before, behind.subarray(0, 20), behind);
      case 6: {
        // Two frames of different kinds become one.
        const other = random.pick(this.#corpus);
        return joined(before, other.subarray(random.below(other.length)));
      }
      case 7:
        return joined(before, varint(random.pick(ODD_NUMBERS)), behind);
      case 8: {
        // A number is longer than it has to be, or has no end.
        if (random.below(2) === 0) message[at]! |= 0x80;
        const more = new Uint8Array(random.between(1, 9)).fill(0x80);
        return joined(message.subarray(0, at + 1), more, behind.subarray(1));
      }
      default: {
        if (message.length < FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES) {
          return message;
        }
        const view = new DataView(message.buffer);
        view.setUint32(LENGTH_AT, random.pick(ODD_NUMBERS) >>> 0);
        return message;
      }
    }
  }

  /** One to three frames in which every field is right in its form, if odd. */
  #generated(): Uint8Array<ArrayBuffer> {
    const frames = Array.from({ length: this.#random.between(1, 3) }, () => {
      const type = this.#random.pick(Object.values(FrameType));
      const payload = this.#payload(type);
      const exchange = this.#random.pick([0, 1, 2, 3, 2 ** 32 - 1]);
      return { type, exchange, end: this.#random.below(2) === 0, payload };
    });
    return encodeMessage(...frames);
  }

  #move(): Uint8Array {
    const parents = this.#some(() => this.#entry());
    return joined(
      path(this.#name(), this.#shared()),
      path(this.#name(), this.#shared()),
      varint(this.#random.below(3) === 0 ? this.#number() : parents.length),
      ...parents,
    );
  }

  #payload(type: FrameType): Uint8Array {
    switch (type) {
      case FrameType.hello:
        return helloRecord(this.#random.below(9), {
          software: `${this.#name()}`,
          windowBytes: this.#number() >>> 0,
          capabilities: this.#some(() => `${this.#name()}`),
        });
      case FrameType.refuse:
      case FrameType.failed:
      case FrameType.cancel:
        return failure(this.#number() & 0xffff, this.#name());
      case FrameType.bye:
        return goodbye(this.#random.below(9), this.#name());
      case FrameType.credit:
      case FrameType.progress:
        return varint(this.#number());
      case FrameType.scan:
        return joined(
          bytes(this.#random.below(10), this.#random.below(4)),
          varint(1),
          text(this.#name()),
          varint(1),
          text(this.#name()),
        );
      case FrameType.list:
      case FrameType.done:
        return joined(...this.#some(() => varint(this.#number())));
      case FrameType.confirm:
        return joined(...this.#some(() => path(this.#name(), this.#shared())));
      case FrameType.stage:
        return joined(...this.#some(() => this.#change()));
      case FrameType.move:
        return joined(...this.#some(() => this.#move()));
      case FrameType.content:
        return joined(...this.#some(() => this.#piece()));
      case FrameType.packed: {
        const content = joined(...this.#some(() => this.#piece()));
        const length = this.#random.below(2) === 0
          ? content.length
          : this.#number();
        return joined(varint(length), zstdCompressSync(content));
      }
      case FrameType.supply:
        return joined(...this.#some(() => this.#request()));
      case FrameType.describe:
        return joined(
          ...this.#some(() =>
            joined(
              varint(this.#random.below(3)),
              path(this.#name(), this.#shared()),
              varint(this.#number()),
              new Uint8Array(8),
              varint(this.#random.below(3)),
              varint(this.#number()),
            )
          ),
        );
      case FrameType.described:
        return joined(
          ...this.#some(() => {
            const length = this.#number();
            return joined(
              varint(this.#random.below(3)),
              bytes(this.#random.below(5)),
              varint(length),
              this.#random.bytes(Math.min(length, 300)),
            );
          }),
        );
      case FrameType.lacking:
        return joined(
          ...this.#some(() =>
            joined(
              varint(this.#random.below(3)),
              bytes(this.#random.below(4)),
              varint(this.#random.below(3)),
              ...this.#some(() => varint(this.#number())),
            )
          ),
        );
      case FrameType.scanned:
        return summary(this.#random.bytes(32), {
          totals: [0, 0, 0, 0].map(() => this.#number()),
        });
      case FrameType.problems:
        return joined(
          ...this.#some(() =>
            problem(this.#random.below(8), this.#name(), this.#name())
          ),
        );
      case FrameType.listing:
        return joined(
          ...this.#some(() =>
            children(
              ...this.#some(() => [this.#name(), this.#entry()] as const),
            )
          ),
        );
      case FrameType.wants:
        return joined(
          ...this.#some(() =>
            want(this.#random.below(9), this.#random.below(9))
          ),
        );
      case FrameType.synced:
        return joined(varint(this.#random.below(3)), this.#random.bytes(32));
      case FrameType.pair:
      case FrameType.paired:
        return joined(
          bytes(this.#random.below(9)),
          ...this.#some(() => this.#random.bytes(16)),
        );
      case FrameType.fresh:
        return this.#random.bytes(this.#random.below(20));
      case FrameType.ping:
      case FrameType.echo:
      case FrameType.changed:
      case FrameType.transition:
      case FrameType.stored:
      case FrameType.watch:
      case FrameType.noted:
        return bytes();
      default:
        return type satisfies never;
    }
  }

  #change(): Uint8Array {
    const where = { record: path(this.#name(), this.#shared()) };
    switch (this.#random.below(5)) {
      case 0:
        return remove(where);
      case 1:
        return touch(where, this.#entry());
      case 2:
        return put(
          where,
          tree(...this.#some(() => [this.#name(), this.#entry()] as const)),
        );
      default:
        return put(where, this.#entry());
    }
  }

  #entry(): Uint8Array {
    const mtime = this.#random.pick(ODD_TIMES);
    const mode = this.#random.pick([0, 0o644, 0o777, 0o1777, 0o4755, 0xffff]);
    switch (this.#random.below(5)) {
      case 0:
        return directory({ mode, mtime, digest: this.#random.bytes(32) });
      case 1:
        return tree();
      case 2:
        return symlink(this.#name(), mtime);
      case 3:
        return bytes(this.#random.below(32), this.#random.below(8));
      default:
        return file({ mode, mtime, size: this.#number() });
    }
  }

  #piece(): Uint8Array {
    const offset = this.#random.below(2) === 0 ? 0 : this.#number();
    const last = this.#random.below(2) === 0;
    return this.#random.below(3) === 0
      ? hole(this.#number(), { offset, last })
      : piece(this.#name(), { skip: this.#random.below(3), offset, last });
  }

  #request(): Uint8Array {
    return joined(
      varint(this.#random.below(3)),
      path(this.#name(), this.#shared()),
      varint(this.#number()),
      new Uint8Array(8),
      bytes(this.#random.below(4)),
      ...this.#some(() => varint(this.#number())),
    );
  }

  #name(): Text {
    return this.#random.below(3) === 0
      ? this.#random.pick(ODD_NAMES)
      : `${"abc"[this.#random.below(3)]}${this.#random.below(100)}`;
  }

  #number(): number {
    return this.#random.below(3) === 0
      ? this.#random.pick(ODD_NUMBERS)
      : this.#random.below(300);
  }

  #shared(): number {
    return this.#random.below(4) === 0 ? this.#random.below(4) : 0;
  }

  #some<T>(make: () => T): T[] {
    return Array.from({ length: this.#random.below(4) }, make);
  }
}

/** A message with this frame alone. */
export function messageOf(
  type: FrameType,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const page = joined(new Uint8Array(PAGE_HEADER_BYTES), payload);
  putFrameHeader(page, { type, exchange: 1, end: true });
  return sealed(page);
}
