/** A tree with everything that is legal and that sync tools have stumbled over. */
import { Random } from "./random.ts";
import { TreeBuilder } from "./tree_builder.ts";

/** How big {@link makeAwkwardTree} makes it. */
export interface AwkwardOptions {
  readonly seed: number;
  /** Entries in the directory `wide`. */
  readonly wide?: number;
  /** Whether there is a file of 1 GiB with 1 MiB of data. */
  readonly sparse?: boolean;
}

const KIB = 1024;
const GIB = 1024 ** 3;

const NAMES: readonly string[] = [
  "line\nbreak",
  "tab\there",
  "carriage\rreturn",
  "escape\u001b[31mred\u001b[0m",
  "bell\u0007",
  "csi\u009b2J",
  "del\u007f",
  'double"quote',
  "single'quote",
  "back`tick",
  "$(touch owned)",
  "; rm -rf x",
  "&& false",
  "| cat",
  "-rf",
  "--",
  "--delete",
  "~",
  "~root",
  "*",
  "?",
  "[a-z]",
  "{a,b}",
  "#comment",
  "!bang",
  "%2e%2e",
  "%00",
  "&lt;img onerror&gt;",
  "back\\slash",
  "..\\..\\up",
  " leading space",
  "trailing space ",
  "trailing dot.",
  " ",
  "...",
  "..a",
  ".hidden",
  "a:b",
  "C:",
  "stream:data",
  "CON",
  "aux.txt",
  "NUL",
  "COM¹",
  "git~1",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "1",
  "01",
  "-1",
  "caf\u00e9 (NFC)",
  "cafe\u0301 (NFC)",
  "caf\u00e9 (NFC).txt",
  "\u212b",
  "\u00c5",
  "A\u030a",
  "case",
  "Case",
  "CASE",
  "straße",
  "strasse",
  "ı",
  "I",
  "\u202etxt.exe",
  "zero\u200bwidth",
  "\ufeffbom",
  "\ufffd",
  "日本語",
  "emoji 👩‍👩‍👧‍👦",
  "\u{10ffff}",
  "\ud7ff",
  ".lockstep.tmp",
  ".lockstep~",
  "x".repeat(255),
  "漢".repeat(85),
  "👍".repeat(63),
];

/** Around every length that means something to the program. */
const SIZES: readonly number[] = [
  0,
  1,
  2,
  4 * KIB,
  ...[16, 64, 192, 256].flatMap((kib) =>
    [-1, 0, 1].map((by) => kib * KIB + by)
  ),
  1024 * KIB,
  3_000_017,
];

const MTIMES: readonly number[] = [
  Date.UTC(1901, 11, 13, 20, 45, 51),
  Date.UTC(1969, 11, 31, 23, 59, 59),
  -1,
  0,
  1,
  999,
  1_000_000_000_001,
  2 ** 31 * 1000 - 1,
  2 ** 31 * 1000,
  2 ** 32 * 1000 + 7,
  Date.UTC(2446, 4, 10, 22, 38, 54),
  Date.UTC(9999, 11, 31),
];

/** A user without privileges can't read what is closed to the owner. */
const MODES: readonly number[] = Deno.build.os !== "windows" && Deno.uid() === 0
  ? [0o000, 0o111, 0o222, 0o400, 0o444, 0o555, 0o604, 0o700, 0o711, 0o777]
  : [0o400, 0o444, 0o555, 0o604, 0o700, 0o711, 0o777];

/** Makes the tree in the empty directory `root`. */
export function makeAwkwardTree(root: string, options: AwkwardOptions): void {
  const random = new Random(options.seed);
  const tree = new TreeBuilder(root, random);

  tree.directory("names");
  tree.directory("named directories");
  for (const name of NAMES) {
    tree.file(`names/${name}`, `I am ${name}`);
    tree.directory(`named directories/${name}`);
    tree.file(`named directories/${name}/${name}`, random.below(100));
  }

  tree.directory("sizes");
  for (const size of SIZES) tree.file(`sizes/${size}`, size);
  tree.file("sizes/zeros", new Uint8Array(300 * KIB));
  tree.file("sizes/text", "the same line\n".repeat(20_000));
  for (let i = 0; i < 20; i++) tree.file(`sizes/same ${i}`, "x".repeat(70_000));

  tree.directory("times");
  for (const mtime of MTIMES) {
    tree.file(`times/file ${mtime}`, "tick", { mtime });
    tree.directory(`times/directory ${mtime}`, { mtime });
    tree.file(`times/directory ${mtime}/inner`, "tock");
  }

  tree.directory("modes");
  for (const mode of MODES) {
    const name = mode.toString(8).padStart(3, "0");
    tree.file(`modes/file ${name}`, `mode ${name}`, { mode });
    tree.directory(`modes/directory ${name}`, { mode });
    tree.file(`modes/directory ${name}/inner`, "closed");
  }

  tree.directory("empty");
  tree.directory("empty/directory");
  tree.directory("empty/directory/in directory");

  const levels = "level/".repeat(200);
  for (
    let end = levels.indexOf("/");
    end >= 0;
    end = levels.indexOf("/", end + 1)
  ) {
    tree.directory(levels.slice(0, end));
  }
  tree.file(`${levels}bottom`, "deep");

  tree.directory("links");
  const targets = {
    dangling: "nowhere",
    absolute: "/etc/passwd",
    outside: "../../../../../etc",
    self: "self",
    "loop a": "loop b",
    "loop b": "loop a",
    parent: "..",
    here: ".",
    root: "../../",
    file: "../sizes/1",
    directory: "../sizes",
    "through directory": "directory/1",
    "trailing slash": "../sizes/",
    odd: 'a\nb\t"c" $(d) \u001b[31m',
    unicode: "日本語/e\u0301",
    long: "long/".repeat(800),
    "name\nwith newline": "x",
  };
  for (const [name, target] of Object.entries(targets)) {
    tree.link(`links/${name}`, target);
  }

  tree.directory("hard links");
  tree.file("hard links/one", 50_000);
  tree.hardLink("hard links/one", "hard links/two");
  tree.hardLink("hard links/one", "sizes/three");

  tree.directory("sub");
  tree.directory("sub/.lockstep");
  tree.file("sub/.lockstep/file", "only at the top is this name ours");

  tree.directory("wide");
  for (let i = 0; i < (options.wide ?? 200); i++) {
    tree.file(`wide/entry ${i}`, i % 7 === 0 ? 0 : random.below(200));
  }

  if (options.sparse) {
    const offsets = Array.from({ length: 16 }, (_, i) => i * GIB / 16 + 4096);
    tree.sparseFile("sparse", GIB, offsets);
  }
  tree.finish();
  Deno.utimeSync(
    root,
    new Date(1_234_567_890_123),
    new Date(1_234_567_890_123),
  );
}
