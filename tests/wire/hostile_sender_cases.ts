/**
 * What a hostile sender may try: each of it ends its session, and changes nothing.
 * The tests run them against a receiver in this process and against the program.
 */
import { FrameType } from "../../src/protocol/frame.ts";
import {
  MAX_MESSAGE_BYTES,
  MESSAGE_HEADER_BYTES,
} from "../../src/protocol/limits.ts";
import type { HostileSender } from "../support/hostile_peer.ts";
import {
  bytes,
  type Child,
  DIGEST,
  directory,
  file,
  hole,
  move,
  owned,
  path,
  piece,
  put,
  remove,
  symlink,
  type Text,
  text,
  TOO_LARGE,
  touch,
  tree,
  varint,
} from "../support/hostile_records.ts";
import { SCAN } from "../support/served_endpoint.ts";
import { joined, sealed } from "../support/wire_message.ts";

/** One thing that a sender tries. */
export interface SenderCase {
  /** What it is an example of. */
  readonly row: string;
  readonly what: string;
  /** Ends early where the receiver does not put up with it. */
  attack(sender: HostileSender): Promise<unknown>;
}

/**
 * What {@link SENDER_CASES} expect at the target: `file` and `dir/inner` with
 * three bytes each, `link` to a directory outside, `inside` to `dir`.
 */
export const TARGET_FILES = { file: "old", dir: { inner: "old" } } as const;

const SLASHES = ["/", "//", "///"];
const OUTSIDE = ["etc/passwd", "tmp/x", "x", "a/b/c", "proc/self/fd/1/x"];

/** Paths by what is wrong with them. */
const PATHS: Readonly<Record<string, readonly Text[]>> = {
  "A01": SLASHES.flatMap((slash) => [
    slash,
    ...OUTSIDE.map((rest) => `${slash}${rest}`),
  ]),
  "A02": [
    "..",
    "../..",
    "../x",
    "../../etc/shadow",
    "a/..",
    "a/../b",
    "dir/..",
    "dir/../..",
    "dir/../file",
    "dir/../../x",
    "dir/inner/..",
    "link/..",
    "link/../x",
    "./..",
    "../",
    "dir//../x",
    `${"../".repeat(50)}etc/passwd`,
  ],
  "A03": [
    ".",
    "./file",
    "dir/.",
    "dir/./inner",
    "dir//inner",
    "dir/",
    "dir//",
    "file/",
    "link/",
    "a/b/",
    "dir/inner/",
  ],
  "A04": [
    "a\0b",
    "\0",
    "dir/\0",
    "file\0.txt",
    // Overlong "/", "." and NUL, a surrogate, half a character, bytes of none.
    bytes(0x61, 0xc0, 0xaf, 0x62),
    bytes(0xe0, 0x80, 0xaf),
    bytes(0xc0, 0xae, 0xc0, 0xae),
    bytes(0xc0, 0x80),
    bytes(0xed, 0xa0, 0x80),
    bytes(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80),
    bytes(0x61, 0xc3),
    bytes(0xff, 0xfe),
    bytes(0xf5, 0x80, 0x80, 0x80),
  ],
  "A06": [
    "x".repeat(1_021),
    "ü".repeat(511),
    `dir/${"x".repeat(1_021)}`,
    "a/".repeat(2_048) + "a",
    "a/".repeat(4_999) + "a",
    `${"x".repeat(1_000)}/`.repeat(66) + "x",
  ],
  "A25": [".lockstep", ".lockstep/stage", ".lockstep/lock", ".lockstep/x/y"],
};

/** All that can be done with a path. */
const USES: Readonly<Record<string, (where: Text) => Attack>> = {
  "removing": (where) => stage(remove(where)),
  "putting a file at": (where) => stage(put(where)),
  "putting a directory at": (where) => stage(put(where, tree())),
  "putting a link at": (where) => stage(put(where, symlink("x"))),
  "touching": (where) => stage(touch(where, directory())),
  "moving": (where) => moving(move(where, "new")),
  "moving something to": (where) => moving(move("file", where)),
  "confirming": (where) => (sender) =>
    afterScan(sender, FrameType.confirm, path(where)),
};

type Attack = SenderCase["attack"];

/** SHA-256 of "old". */
const OLD_DIGEST = Uint8Array.fromHex(
  "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4",
);

/** Announces changes after a scan. */
function stage(...changes: Uint8Array[]): Attack {
  return async (sender) => {
    await sender.scan();
    await sender.stage(...changes);
  };
}

/** Orders moves after a scan. */
function moving(...moves: Uint8Array[]): Attack {
  return async (sender) => {
    await sender.scan();
    await sender.move(...moves);
  };
}

async function afterScan(
  sender: HostileSender,
  type: FrameType,
  payload: Uint8Array,
): Promise<void> {
  await sender.scan();
  await sender.answer(await sender.ask(type, payload));
}

/** Announces a new file of `size` bytes and sends `pieces` for it. */
function content(size: number, ...pieces: Uint8Array[]): Attack {
  return async (sender) => {
    await sender.scan();
    await sender.stage(put("new", file({ size })));
    await sender.content(...pieces);
  };
}

/** The same, in the place of a file that is there; it would be carried out. */
function replacement(size: number, ...pieces: Uint8Array[]): Attack {
  return (sender) =>
    sender.push([put("file", file({ size, mtime: 5000 }))], pieces);
}

/** A new directory that holds `all`. */
function inTree(...all: Child[]): Attack {
  return stage(put("new", tree(...all)));
}

/** Cases of one row, by what they try. */
function row(
  id: string,
  attacks: Readonly<Record<string, Attack>>,
): SenderCase[] {
  return Object.entries(attacks).map(([what, attack]) => ({
    row: id,
    what,
    attack,
  }));
}

function shown(where: Text): string {
  if (typeof where !== "string") return `bytes ${where.toHex()}`;
  return JSON.stringify(where.length > 40 ? `${where.slice(0, 40)}…` : where);
}

const PATH_CASES = Object.entries(PATHS).flatMap(([id, paths]) =>
  paths.flatMap((where) =>
    Object.entries(USES).map(([use, attack]): SenderCase => ({
      row: id,
      what: `${use} ${shown(where)}`,
      attack: attack(where),
    }))
  )
);

/** Names that are no names, whatever is called so. */
const BAD_NAMES: readonly Text[] = [
  "..",
  ".",
  "/",
  "/etc",
  "a/b",
  "a/",
  "../x",
  "a\0b",
  "x".repeat(1_021),
  bytes(0xc0, 0xaf),
  bytes(0xed, 0xa0, 0x80),
];

/** Where sizes, times and digests stand that can't be. */
const TIMES: Readonly<Record<string, number>> = {
  "NaN": NaN,
  "infinity": Infinity,
  "minus infinity": -Infinity,
  "1e300": 1e300,
  "-1e300": -1e300,
  "a fraction": 0.5,
  "a moment after the last Date": 8.64e15 + 1,
  "2^63": 2 ** 63,
};

export const SENDER_CASES: readonly SenderCase[] = [
  ...PATH_CASES,
  ...row("A02", {
    "the parent behind a shared prefix": stage(
      remove("dir/inner"),
      remove({ record: path("..", 4) }),
    ),
    "the parent of that": stage(
      remove("dir/inner"),
      remove({ record: path("../../x", 4) }),
    ),
  }),
  ...row("A03", {
    "a shared prefix of nothing": stage(remove({ record: path("file", 1) })),
    "a shared prefix within a name": stage(
      touch("dir", directory()),
      remove({ record: path("ir", 1) }),
    ),
    "a shared prefix beyond the path before": stage(
      remove("dir/inner"),
      remove({ record: path("x", 60_000) }),
    ),
    "a slash behind a shared prefix": stage(
      remove("dir/inner"),
      remove({ record: path("/inner", 4) }),
    ),
    "nothing behind a shared prefix": stage(
      remove("dir/inner"),
      touch({ record: path("", 4) }, directory()),
    ),
  }),
  ...BAD_NAMES.map((name): SenderCase => ({
    row: "A01-A04, A06",
    what: `a file called ${shown(name)} in a new directory`,
    attack: inTree([name, file()]),
  })),
  ...row("A06", {
    "a new tree of 2,048 levels in a directory": stage(
      put("new", levels(2_048)),
    ),
    "a new tree of 8,000 levels": stage(put("new", levels(8_000))),
  }),
  ...row("A07", {
    "a link out, and a file in it": stage(
      put("l", symlink("/etc")),
      put("l/passwd", file({ size: 1 })),
    ),
    "a link out, and a file deep in it": stage(
      put("l", symlink("../..")),
      put("l/a/b", file()),
    ),
    "the file first, and the link then": stage(
      put("l/passwd", file()),
      put("l", symlink("/etc")),
    ),
    "a link in the place of a directory, and a file in it": stage(
      put("dir", symlink("/etc")),
      put("dir/passwd", file()),
    ),
    "a file in a directory, and a link in the place of that": stage(
      put("dir/passwd", file()),
      put("dir", symlink("/etc")),
    ),
    "a new file in a link that is there": stage(put("link/new", file())),
    "the removal of what a link leads to": stage(remove("link/file")),
    "a touch of what a link leads to": stage(
      touch("link/file", file({ size: 6 })),
    ),
    "a new file in a link to a directory in the tree": stage(
      put("inside/new", file()),
    ),
    "a link with children": stage(
      joined(put("l", symlink("/etc")), text("passwd"), file()),
    ),
    "the same by a shared prefix": stage(
      put("l", symlink("/etc")),
      put({ record: path("passwd", 2) }, file()),
    ),
  }),
  ...row("A08", {
    "a link without a target": stage(put("l", symlink(""))),
    "a link target with NUL": stage(put("l", symlink("a\0b"))),
    "a link target of 32,769 bytes": stage(
      put("l", symlink("x".repeat(32_769))),
    ),
    "a link target that is no text": stage(put("l", symlink(bytes(0xff)))),
    "a link from before 1970": stage(put("l", symlink("x", -1))),
  }),
  ...row("A34", {
    "a move of nothing": moving(move("nothing", "new")),
    "a move of what is in a file": moving(move("file/x", "new")),
    "a move of the root": moving(move("", "new")),
    "a move to the root": moving(move("file", "")),
    "a move onto a file": moving(move("dir/inner", "file")),
    "a move onto a directory": moving(move("file", "dir")),
    "a move onto itself": moving(move("file", "file")),
    "a move into itself": moving(move("dir", "dir/new")),
    "a move into itself, with a directory between": moving(
      move("dir", "dir/a/new", directory()),
    ),
    "a move into a file": moving(move("dir/inner", "file/new")),
    "a move of a link": moving(move("link", "new")),
    "a move of what a link leads to": moving(move("link/x", "new")),
    "a move of what a link in the tree leads to": moving(
      move("inside/inner", "new"),
    ),
    "a move into a link": moving(move("file", "link/new")),
    "a move into a link, with a directory between": moving(
      move("file", "link/a/new", directory()),
    ),
    "the same move twice": moving(move("file", "new"), move("file", "new")),
    "a move to two places": moving(move("file", "new"), move("file", "new2")),
    "two moves to one place": moving(
      move("file", "new"),
      move("dir/inner", "new"),
    ),
    "a move there and back": moving(
      move("dir", "new"),
      move("new", "dir"),
    ),
    "a swap in a circle": moving(
      move("dir", "new"),
      move("file", "dir"),
      move("new", "file"),
    ),
    "a directory that moves into what moves into it": moving(
      move("dir", "new"),
      move("new", "new/inner/new"),
    ),
    "a missing directory that is not named": moving(move("file", "a/new")),
    "a directory that is not missing": moving(
      move("file", "dir/new", directory()),
    ),
    "more directories than the path has": moving(
      move("file", "new", directory(), directory()),
    ),
    "a file for a directory that is missing": moving(
      move("file", "a/new", file()),
    ),
    "a link for a directory that is missing": moving(
      move("file", "a/new", symlink("/etc")),
    ),
    "an owner for a directory that is missing": moving(
      move("file", "a/new", owned(directory())),
    ),
    "no moves at all": moving(),
    "a move that ends early": moving(move("file", "new").subarray(0, 9)),
    "a move of too many directories": moving(
      joined(path("file"), path("new"), varint(2 ** 40)),
    ),
    "a move before a scan": (sender) => sender.move(move("file", "new")),
    "a move after the changes": async (sender) => {
      await sender.scan();
      await sender.stage(put("new", file({ size: 1 })));
      await sender.move(move("file", "new2"));
    },
    "a second move after one that was refused": async (sender) => {
      await sender.scan();
      await sender.move(move("nothing", "new"));
      await sender.move(move("file", "new"));
    },
  }),
  ...row("A10", {
    "the same removal twice": stage(remove("file"), remove("file")),
    "the same file twice": stage(put("new"), put("new")),
    "a file and a directory": stage(put("new"), put("new", tree())),
    "a directory and a file": stage(put("new", tree()), put("new")),
    "a removal and a file": stage(
      remove("file"),
      put("file", file({ size: 9 })),
    ),
    "a name twice in a directory": inTree(["a", file()], ["a", file()]),
    "a file and a directory in a directory": inTree(
      ["a", file()],
      ["a", tree()],
    ),
    "names out of order": inTree(["b", file()], ["a", file()]),
    "a touch twice": stage(
      touch("dir", directory()),
      touch("dir", directory()),
    ),
  }),
  ...row("A11", {
    "the removal of the root": stage(remove("")),
    "a file in the place of the root": stage(put("")),
    "a directory in the place of the root": stage(put("", tree())),
    "a link in the place of the root": stage(put("", symlink("/"))),
    "a touch of the root as a file": stage(touch("", file())),
    "the removal of what was never there": stage(remove("nothing")),
    "the removal of something in what was never there": stage(
      remove("nothing/x"),
    ),
    "a directory and something in it": stage(
      remove("dir"),
      remove("dir/inner"),
    ),
    "the same the other way round": stage(remove("dir/inner"), remove("dir")),
    "the removal of what a rule keeps out": async (sender) => {
      const ignore = { files: [], rules: ["file"] };
      await sender.scan({ ...SCAN, ignore });
      await sender.stage(remove("file"));
    },
    "the removal of a directory with something that a rule keeps out": async (
      sender,
    ) => {
      const ignore = { files: [], rules: ["inner"] };
      await sender.scan({ ...SCAN, ignore });
      await sender.stage(remove("dir"));
    },
  }),
  ...row("A12", {
    "a new directory without an end": stage(
      joined(put("new", directory()), text("a"), file()),
    ),
    "a change without its entry": stage(
      joined(bytes(1), path("new")),
    ),
    "fewer files than were wanted": async (sender) => {
      await sender.scan();
      await sender.stage(put("a", file({ size: 1 })), put("b"), put("c"));
      await sender.content(piece("1"), piece("", { skip: 1 }));
    },
    "one file more than was wanted": async (sender) => {
      await sender.scan();
      await sender.stage(put("a", file({ size: 1 })));
      await sender.content(piece("1"), piece("2", { skip: 1 }));
    },
    "no content at all": content(1),
    "a transition without the content": async (sender) => {
      await sender.scan();
      await sender.stage(put("new", file({ size: 1 })));
      await sender.transition();
    },
    "5,000,001 ids further": content(1, piece("1", { skip: 5_000_001 })),
  }),
  ...row("A13", {
    "a size of 2^53": stage(put("new", file({ size: TOO_LARGE }))),
    "a size without an end": stage(
      put("new", file({ size: new Uint8Array(16).fill(0xff) })),
    ),
    "a size that is longer than it has to be": stage(
      put("new", file({ size: bytes(0x83, 0x00) })),
    ),
    "one byte less than announced": replacement(4, piece("new")),
    "one byte more than announced": replacement(2, piece("new")),
    "less than announced, and no end": replacement(
      4,
      piece("new", { last: false }),
    ),
    "an end before the end": replacement(
      6,
      piece("new"),
      piece("new", {
        offset: 3,
      }),
    ),
    "content of an empty file": replacement(0, piece("x")),
    "a hole beyond the end": replacement(4, hole(5)),
    "a hole of 2^53": replacement(4, hole(TOO_LARGE)),
    "a piece beyond 2^53": replacement(
      4,
      joined(varint(0), bytes(9), varint(2 ** 53 - 1), text("new")),
    ),
    "a piece longer than its frame": replacement(
      4,
      joined(varint(0), bytes(1), varint(2 ** 40), bytes(0x61)),
    ),
  }),
  ...row("A16", {
    ...Object.fromEntries([0, 15, 16, 20, 31].map((length) => [
      `a digest of ${length} bytes`,
      stage(put("new", file({ digest: DIGEST.subarray(0, length) }))),
    ])),
    ...Object.fromEntries([33, 64, 4_096].map((length) => [
      `a digest of ${length} bytes`,
      stage(put("new", file({ digest: new Uint8Array(length).fill(0xab) }))),
    ])),
    "a new directory with a digest": stage(
      joined(put("new", directory({ digest: DIGEST })), bytes(0)),
    ),
    "a kind of digest that nobody knows": stage(
      put("new", file({ kind: 0x8a })),
    ),
  }),
  ...row("A20", {
    "the same piece twice": replacement(3, piece("new"), piece("new")),
    "the same part of a file twice": replacement(
      6,
      piece("new", { last: false }),
      piece("new", { last: false }),
      piece("new", { offset: 3 }),
    ),
    "a part that overlaps": replacement(
      6,
      piece("new", { last: false }),
      piece("ewer", { offset: 2 }),
    ),
    "a gap": replacement(
      6,
      piece("new", { last: false }),
      piece("er", { offset: 4 }),
    ),
    "a part of another file in between": async (sender) => {
      await sender.scan();
      await sender.stage(
        put("a", file({ size: 6 })),
        put("b", file({ size: 3 })),
      );
      await sender.content(
        piece("new", { last: false }),
        piece("new", { skip: 1 }),
      );
    },
    "content for a file number that is not there": content(
      3,
      piece("new", { skip: 7 }),
    ),
    "the same content twice": async (sender) => {
      await sender.scan();
      await sender.stage(put("new", file({ size: 3 })));
      await sender.content(piece("new"));
      await sender.content(piece("new"));
    },
    "the number of an exchange that is over": async (sender) => {
      await sender.scan();
      await sender.raw.send(FrameType.stage, {
        exchange: 1,
        end: true,
        payload: remove("file"),
      });
    },
    "a transition twice": async (sender) => {
      await sender.scan();
      await sender.stage();
      await sender.transition();
      await sender.transition();
    },
  }),
  ...row("A21", {
    "a start where nothing is": content(6, piece("new", { offset: 3 })),
    "a start behind the end": content(6, piece("", { offset: 6 })),
    "a start far behind the end": content(6, piece("x", { offset: 2 ** 40 })),
  }),
  ...row("A22", {
    ...Object.fromEntries(
      [0o4755, 0o2755, 0o1777, 0o7777, 0o100644, 0o40755, 0xffff].map((
        mode,
      ) => [
        `a file with the mode 0o${mode.toString(8)}`,
        stage(put("new", file({ mode }))),
      ]),
    ),
    "a directory with the set-gid bit": stage(
      joined(put("new", directory({ mode: 0o2755 })), bytes(0)),
    ),
    "a touch with the set-uid bit": stage(
      touch("file", file({ mode: 0o4755, size: 3 })),
    ),
    "a file of another user": stage(put("new", owned(file()))),
    "a directory of another user": stage(
      joined(put("new", owned(directory())), bytes(0)),
    ),
    "a link of another user": stage(put("new", owned(symlink("x")))),
    "a file of another user in a new directory": inTree(["a", owned(file())]),
    "a touch that gives a directory away": stage(
      touch("dir", owned(directory())),
    ),
    "a touch that gives the root away": stage(touch("", owned(directory()))),
    "a special file": stage(put("new", bytes(4, 1))),
    "a special file in a new directory": inTree(["fifo", bytes(4, 1)]),
    "something unreadable": stage(put("new", bytes(5, 0))),
    "a kind that nobody knows": stage(put("new", bytes(6))),
    "no kind": stage(put("new", bytes(0))),
    "every other bit of a kind": stage(put("new", file({ kind: 0x42 }))),
  }),
  ...Object.entries(TIMES).flatMap(([what, mtime]) =>
    row("A23", {
      [`a file of ${what}`]: stage(put("new", file({ mtime }))),
      [`a directory touched at ${what}`]: stage(
        touch("dir", directory({ mtime })),
      ),
      [`a link of ${what}`]: stage(put("new", symlink("x", mtime))),
    })
  ),
  ...row("A32", {
    "a message of more than 256 KiB": (sender) =>
      sender.raw.sendMessage(sealed(new Uint8Array(MAX_MESSAGE_BYTES + 1))),
    "a message of 4 MiB": (sender) =>
      sender.raw.sendMessage(sealed(new Uint8Array(4 * 1024 * 1024))),
    "a message without a frame": (sender) =>
      sender.raw.sendMessage(sealed(new Uint8Array(MESSAGE_HEADER_BYTES))),
    "half a frame": (sender) =>
      sender.raw.sendMessage(sealed(Uint8Array.of(0, 0, 0, 0, 16, 1, 0))),
    "a frame that is longer than its message": (sender) =>
      sender.raw.sendMessage(
        sealed(
          bytes(...[0, 0, 0, 0], ...[
            16,
            1,
            0,
            0,
            0,
            0,
            0,
            1,
            255,
            255,
            255,
            255,
          ]),
        ),
      ),
  }),
  ...row("A34", {
    "a path that is a file and a directory": stage(put("a"), put("a/b")),
    "the same the other way round": stage(put("a/b"), put("a")),
    "a file in a file that is there": stage(put("file/x")),
    "a file in place of a directory, and something in it": stage(
      put("dir", file()),
      put("dir/x"),
    ),
    "two directories in each other": stage(
      put("a/b", tree()),
      put("b/a", tree()),
    ),
    "a directory in itself": stage(put("dir/dir/dir", tree())),
    "a new directory, and one more thing in it": stage(
      put("new", tree()),
      put("new/x"),
    ),
  }),
  ...row("A35", {
    "a file for whose content its digest is to do": async (sender) => {
      await sender.scan({ ...SCAN, checksum: true });
      // That of "old", which lies there as `file`.
      await sender.stage(put("copy", file({ size: 3, digest: OLD_DIGEST })));
      await sender.transition();
    },
  }),
];

/** Directories in each other. */
function levels(count: number): Uint8Array {
  const level = joined(directory(), text("d"));
  return joined(
    ...Array.from({ length: count }, () => level),
    directory(),
    new Uint8Array(count + 1),
  );
}
