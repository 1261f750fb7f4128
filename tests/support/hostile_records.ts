/**
 * Records of the protocol, written by hand: nothing here checks what it writes, so
 * that each record can have one thing wrong. Layouts: `src/protocol/`.
 */
import { bytesOf } from "./session_pair.ts";
import { joined } from "./wire_message.ts";

/** Text as it is, or the bytes that stand in its place. */
export type Text = string | Uint8Array;

/** 1000 ms after 1970. */
export const MTIME = 1000;

/** 32 bytes that are the digest of nothing. */
export const DIGEST: Uint8Array = new Uint8Array(32).fill(0xab);

/** A byte each. */
export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** A number that the protocol allows; others are written as {@link bytes}. */
export function varint(value: number): Uint8Array {
  return bytesOf((writer) => writer.varint(value));
}

/** 2^53, which is one more than a varint may be. */
export const TOO_LARGE: Uint8Array = bytes(
  ...[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
);

/** Length and bytes; a lone surrogate can only be given as bytes. */
export function text(value: Text): Uint8Array {
  const raw = typeof value === "string"
    ? new TextEncoder().encode(value)
    : value;
  return joined(varint(raw.length), raw);
}

/** A path that shares its first `shared` UTF-16 units with the one before it. */
export function path(value: Text, shared = 0): Uint8Array {
  return joined(varint(shared), text(value));
}

export function time(ms: number): Uint8Array {
  return bytesOf((writer) => writer.f64(ms));
}

function modeOf(mode: number): Uint8Array {
  return bytesOf((writer) => writer.u16(mode));
}

/** A file of no content unless told otherwise. */
export function file(
  fields: {
    readonly mode?: number;
    readonly mtime?: number;
    /** Written as it is where it is bytes. */
    readonly size?: number | Uint8Array;
    readonly digest?: Uint8Array;
    readonly kind?: number;
  } = {},
): Uint8Array {
  const { mode = 0o644, mtime = MTIME, size = 0, digest } = fields;
  const { kind = digest === undefined ? 2 : 10 } = fields;
  return joined(
    bytes(kind),
    modeOf(mode),
    time(mtime),
    typeof size === "number" ? varint(size) : size,
    digest ?? bytes(),
  );
}

/** A directory without what is in it. */
export function directory(
  fields: {
    readonly mode?: number;
    readonly mtime?: number;
    readonly digest?: Uint8Array;
  } = {},
): Uint8Array {
  const { mode = 0o755, mtime = MTIME, digest } = fields;
  const kind = digest === undefined ? 1 : 9;
  return joined(bytes(kind), modeOf(mode), time(mtime), digest ?? bytes());
}

export function symlink(target: Text, mtime = MTIME): Uint8Array {
  return joined(bytes(3), time(mtime), text(target));
}

/** `entry` with an owner that is not us. */
export function owned(entry: Uint8Array): Uint8Array {
  const HAS_OWNER = 0x10;
  return joined(
    bytes(entry[0]! | HAS_OWNER, 0, 0, 0, 7, 0, 0, 0, 8),
    entry.subarray(1),
  );
}

/** A name and what it stands for. */
export type Child = readonly [name: Text, entry: Uint8Array];

/** What is in a directory, up to its end. */
export function children(...all: readonly Child[]): Uint8Array {
  return joined(
    ...all.map(([name, entry]) => joined(text(name), entry)),
    bytes(0),
  );
}

/** A new directory with all that is in it. */
export function tree(...all: readonly Child[]): Uint8Array {
  return joined(directory(), children(...all));
}

/** The path of a change: written as {@link path} where it is no record yet. */
type At = Text | { readonly record: Uint8Array };

function at(value: At): Uint8Array {
  return typeof value === "object" && "record" in value
    ? value.record
    : path(value);
}

/** The change that puts `entry` at a path. */
export function put(where: At, entry: Uint8Array = file()): Uint8Array {
  return joined(bytes(1), at(where), entry);
}

/** The change of mode and mtime alone. */
export function touch(where: At, entry: Uint8Array): Uint8Array {
  return joined(bytes(2), at(where), entry);
}

export function remove(where: At): Uint8Array {
  return joined(bytes(3), at(where));
}

/** The move of what is at `from`; `parents` are entries. */
export function move(
  from: At,
  to: At,
  ...parents: Uint8Array[]
): Uint8Array {
  return joined(at(from), at(to), varint(parents.length), ...parents);
}

/** A piece of content; `skip` is how far its file comes after that before it. */
export function piece(
  content: Text,
  fields: {
    readonly skip?: number;
    readonly offset?: number;
    readonly last?: boolean;
  } = {},
): Uint8Array {
  const { skip = 0, offset = 0, last = true } = fields;
  return joined(
    varint(skip),
    bytes((last ? 1 : 0) | (offset === 0 ? 0 : 8)),
    offset === 0 ? bytes() : varint(offset),
    text(content),
  );
}

/** A stretch of zeros. */
export function hole(
  length: number | Uint8Array,
  fields: { readonly offset?: number; readonly last?: boolean } = {},
): Uint8Array {
  const { offset = 0, last = true } = fields;
  return joined(
    bytes(0, (last ? 3 : 2) | (offset === 0 ? 0 : 8)),
    offset === 0 ? bytes() : varint(offset),
    typeof length === "number" ? varint(length) : length,
  );
}

/** A run of wanted files; `skip` is how far it begins after the one before it. */
export function want(
  skip: number,
  count: number,
  resume?: { readonly offset: number; readonly digest: Uint8Array },
): Uint8Array {
  return joined(
    varint(skip),
    varint(2 * count + (resume === undefined ? 0 : 1)),
    resume === undefined
      ? bytes()
      : joined(varint(resume.offset), resume.digest),
  );
}

/** What an answer to a scan begins with. */
export function summary(
  digest: Uint8Array,
  fields: {
    readonly ignoreDigest?: Uint8Array;
    readonly totals?: readonly number[];
  } = {},
): Uint8Array {
  const { totals = [0, 0, 0, 0] } = fields;
  return joined(
    directory({ digest }),
    fields.ignoreDigest ?? digest,
    ...totals.map(varint),
  );
}

/** A problem of a path; 1 stale, 2 unreadable, 3 failed … */
export function problem(code: number, where: At, remark: Text): Uint8Array {
  return joined(bytes(code), at(where), text(remark));
}

/** Why a session or an exchange is given up. */
export function failure(code: number, remark: Text): Uint8Array {
  return joined(modeOf(code), text(remark));
}

/** A goodbye; 1 done, 2 partial … */
export function goodbye(outcome: number, remark: Text = ""): Uint8Array {
  return joined(bytes(outcome), text(remark));
}
