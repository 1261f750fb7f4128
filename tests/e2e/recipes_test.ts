/** Changed, moved and copied files cost little more than what is new in them. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertEnded, summaryOf } from "../support/carriers.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { concat } from "../support/recipe_world.ts";
import { TempDir } from "../support/temp.ts";

const MIB = 1024 * 1024;
const OLD = new Random(4711).bytes(24 * MIB);
const FRESH = new Random(815).bytes(MIB);

/** Bytes of a run beside content: hello, scan, stage, recipes of the changed pages. */
const RUN_BYTES = 40_000;

/** What one small edit may cost: a signature and a block. */
const EDIT_BYTES = 3_000;

/** Every mtime is one that nobody is writing at. */
let mtime = 1_500_000_000;

function write(root: string, path: string, bytes: Uint8Array): void {
  const at = join(root, path);
  Deno.mkdirSync(join(at, ".."), { recursive: true });
  Deno.writeFileSync(at, bytes);
  Deno.utimeSync(at, mtime, mtime);
  mtime += 10;
}

interface Case {
  readonly name: string;
  readonly old: Readonly<Record<string, Uint8Array>>;
  readonly wanted: Readonly<Record<string, Uint8Array>>;
  /** Bytes both ways. */
  readonly most: number;
}

const random = new Random(99);
const edits = OLD.slice();
for (let i = 0; i < 20; i++) {
  edits.set(random.bytes(64), random.below(OLD.length - 64));
}
const middle = 10 * MIB + 12_345;
const some = 100 * 1024;

const CASES: readonly Case[] = [
  {
    name: "edited in 20 places",
    old: { f: OLD },
    wanted: { f: edits },
    most: RUN_BYTES + 20 * (EDIT_BYTES + 5_000),
  },
  {
    name: "appended to",
    old: { f: OLD },
    wanted: { f: concat([OLD, FRESH]) },
    most: MIB + RUN_BYTES + EDIT_BYTES,
  },
  {
    name: "lengthened in front",
    old: { f: OLD },
    wanted: { f: concat([FRESH.subarray(0, 1_000), OLD]) },
    most: RUN_BYTES + EDIT_BYTES + 1_000,
  },
  {
    name: "truncated",
    old: { f: OLD },
    wanted: { f: OLD.subarray(0, middle) },
    most: RUN_BYTES + EDIT_BYTES,
  },
  {
    name: "shuffled",
    old: { f: OLD },
    wanted: { f: concat([OLD.subarray(middle), OLD.subarray(0, middle)]) },
    most: RUN_BYTES + 4 * 256 * 1024,
  },
  {
    name: "moved and edited",
    old: { "a/old.bin": OLD },
    wanted: { "b/c/new.bin": edits },
    most: RUN_BYTES + 20 * (EDIT_BYTES + 5_000),
  },
  {
    name: "moved to another directory",
    old: { "a/f": OLD },
    wanted: { "b/f": OLD },
    most: RUN_BYTES,
  },
  {
    name: "copied",
    old: { f: OLD },
    wanted: { f: OLD, "copies/of f": OLD, "copies/f": OLD },
    most: 2 * RUN_BYTES,
  },
  {
    name: "edited, a hundred of 100 KiB",
    old: small((bytes) => bytes),
    wanted: small((bytes, i) => {
      const copy = bytes.slice();
      copy.set(FRESH.subarray(64 * i, 64 * (i + 1)), 1_000 * i);
      return copy;
    }),
    most: RUN_BYTES + 100 * EDIT_BYTES,
  },
  {
    name: "filled with zeros in the middle",
    old: { f: OLD },
    wanted: {
      f: concat([
        OLD.subarray(0, middle),
        new Uint8Array(4 * MIB),
        OLD.subarray(middle + 4 * MIB),
      ]),
    },
    most: RUN_BYTES + 20_000,
  },
];

function small(
  change: (bytes: Uint8Array, i: number) => Uint8Array,
): Record<string, Uint8Array> {
  return Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => {
      const bytes = OLD.subarray(i * some, (i + 1) * some);
      return [`d/${i}`, change(bytes, i)];
    }),
  );
}

for (const { name, old, wanted, most } of CASES) {
  Deno.test(`I22: of files that were ${name}, hardly more than the news travels`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    for (const [path, bytes] of Object.entries(old)) write(target, path, bytes);
    for (const [path, bytes] of Object.entries(wanted)) {
      // What is the same keeps its mtime, as after a move.
      write(source, path, bytes);
    }
    await using receiver = await listen(target);
    const ended = await sync(source, receiver.url, ["--compress", "off"]);
    assertEnded(ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, target);
    const { sent, received } = summaryOf(ended);
    assert(sent + received <= most, `${sent} + ${received}, not ${most}`);
  });
}

for (const args of [["--checksum"], ["--compress", "on"]]) {
  Deno.test(`edited files come whole with ${args.join(" ")}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    write(target, "f", OLD);
    write(target, "same", OLD);
    write(source, "f", edits);
    write(source, "same", OLD);
    await using receiver = await listen(target);
    const ended = await sync(source, receiver.url, args);
    assertEnded(ended);
    await assertSameTree(source, target);
    const { sent, received } = summaryOf(ended);
    assert(sent + received < OLD.length / 10, `${sent} + ${received}`);
  });
}

Deno.test("a dry run describes nothing", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  write(target, "f", OLD);
  write(source, "f", edits);
  await using receiver = await listen(target);
  const ended = await sync(source, receiver.url, ["--dry-run"]);
  assertEnded(ended);
  assertEquals(Deno.readFileSync(join(target, "f")), OLD);
});
