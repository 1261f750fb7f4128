import { assertEquals, assertThrows } from "@std/assert";
import type { Announced } from "../../../src/core/announced.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { IntegrityError } from "../../../src/errors.ts";
import {
  announcedHeader,
  decodeAnnounced,
  encodeAnnounced,
} from "../../../src/session/announced_codec.ts";
import { directory, file } from "../../support/trees.ts";

const TOKEN = "1".repeat(32);
const OTHER = "2".repeat(32);
const FIRST: readonly Announced[] = [
  { side: "alpha", path: "a" as RelPath, new: undefined },
];
const SECOND: readonly Announced[] = [
  { side: "alpha", path: "d/e" as RelPath, new: directory({ f: file() }) },
  { side: "beta", path: "a" as RelPath, new: undefined },
  { side: "beta", path: "ü" as RelPath, new: file({ mtime: 5 }) },
];

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Paths, sides and times: what is kept of an entry is the codec's of trees. */
function plain(announced: readonly Announced[]): unknown[] {
  return announced.map(({ side, path, new: wanted }) => [
    side,
    path,
    wanted?.kind,
    wanted?.mtime,
    wanted?.kind === "directory" ? [...wanted.children.keys()] : [],
  ]);
}

Deno.test("what was announced last counts, if it is about that ancestor", () => {
  const first = encodeAnnounced(TOKEN, FIRST);
  const second = encodeAnnounced(OTHER, SECOND);
  const bytes = joined(announcedHeader(), first, second);
  assertEquals(plain(decodeAnnounced(bytes, OTHER)), plain(SECOND));
  assertEquals(decodeAnnounced(bytes, TOKEN), []);
});

Deno.test("an announcement that is cut off or damaged anywhere does not count", () => {
  const before = joined(announcedHeader(), encodeAnnounced(TOKEN, FIRST));
  const bytes = joined(before, encodeAnnounced(TOKEN, SECOND));
  for (let length = before.length; length < bytes.length; length++) {
    const found = decodeAnnounced(bytes.subarray(0, length), TOKEN);
    assertEquals(plain(found), plain(FIRST));
  }
  for (let at = before.length; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x10;
    assertEquals(plain(decodeAnnounced(damaged, TOKEN)), plain(FIRST));
  }
});

Deno.test("a file of something else is refused", () => {
  assertThrows(
    () => decodeAnnounced(new Uint8Array(40), TOKEN),
    IntegrityError,
    "something else",
  );
});
