/** What may be the source and the target of a mirror, and how that is said. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { exists, link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

test("I18: roots of all kinds are taken, or refused with the cause", [
  "symlinks",
], async () => {
  await using temp = new TempDir();
  writeTree(temp.path, {
    source: { f: "1" },
    file: "",
    link: link("source"),
    dangling: link("nowhere"),
    loop: link("loop"),
    full: { g: "1" },
    "to link": link("full"),
  });
  const before = listTree(temp.at("full"));
  const table: [from: string, to: string, code: number, part: string][] = [
    ["file", "full", 1, "not a directory"],
    ["file/", "full", 1, "not a directory"],
    ["missing", "full", 1, "no such file"],
    ["dangling", "full", 1, "no such file"],
    ["loop", "full", 1, "loop"],
    ["source", "/", 2, "whole system"],
    ["source", "/../", 2, "whole system"],
    ["source", "file", 1, "not a directory"],
    ["source", "loop", 1, "loop"],
    ["source", "link", 2, "same directory"],
    ["source/../link/.", "source/", 2, "same directory"],
    ["source", "source/new", 2, "inside --from"],
    ["source", ".", 2, "inside --to"],
  ];
  for (const [from, to, code, part] of table) {
    const args = ["sync", "--from", from, "--to", to];
    const ended = await run(args, { cwd: temp.path });
    assertEnded(ended, code);
    assert(
      ended.stderr.toLowerCase().includes(part),
      `${args.join(" ")}: ${ended.stderr}`,
    );
  }
  assertUntouched(temp.at("full"), before);
  for (
    const [from, to, real] of [
      ["source/", "./new/", "new"],
      ["./source/../source", "missing/../dots", "dots"],
      ["link", "by link", "by link"],
      [temp.at("source"), "to link/", "full"],
    ] as const
  ) {
    const args = ["sync", "--from", from, "--to", to];
    assertEnded(await run(args, { cwd: temp.path }));
    await assertSameTree(temp.at("source"), temp.at(real));
  }
  assert(Deno.lstatSync(temp.at("to link")).isSymlink);
});

test(
  "I18: a source that may not be read ends with 1",
  ["setpriv"],
  async () => {
    await using temp = new TempDir();
    Deno.chmodSync(temp.path, 0o755);
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(target, { f: "1" });
    Deno.chmodSync(source, 0);
    const under = [
      ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
      ...["--inh-caps=-all", "--bounding-set=-all"],
    ];
    const ended = await sync(source, target, [], { under });
    assertEnded(ended, 1);
    assert(exists(`${target}/f`));
  },
);

test(
  "G25: a directory inside the other is refused, also where it is mounted elsewhere",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    writeTree(temp.path, {
      source: { sub: { f: "1" } },
      other: { g: "1" },
      "a point": {},
      target: { "mounted in": {} },
    });
    const source = temp.at("source");
    const point = temp.at("a point");
    const inside = temp.at("target", "mounted in");
    const binds: [what: string, at: string, from: string, to: string][] = [
      // The target lies inside the source, by another path.
      [temp.at("source", "sub"), point, source, point],
      [temp.at("source", "sub"), point, source, `${point}/new/deep`],
      [source, point, source, point],
      [source, point, source, `${point}/sub`],
      // The source lies inside the target.
      [temp.path, point, source, `${point}`],
      // What the target shows is the source, or what the source shows the target.
      [source, inside, source, temp.at("target")],
      [temp.at("source", "sub"), inside, source, temp.at("target")],
      [temp.at("other"), temp.at("source", "sub"), source, temp.at("other")],
    ];
    for (const [what, at, from, to] of binds) {
      const { code, stderr } = await command("mount", ["--bind", what, at]);
      assertEquals(code, 0, stderr);
      try {
        const before = listTree(source);
        const ended = await sync(from, to);
        assertEnded(ended, 2);
        assertUntouched(source, before);
      } finally {
        await command("umount", [at]);
      }
    }
    // A mount alone is no reason.
    await command("mount", ["--bind", temp.at("other"), point]);
    try {
      assertEnded(await sync(source, `${point}/copy`));
      await assertSameTree(source, temp.at("other", "copy"));
    } finally {
      await command("umount", [point]);
    }
  },
);
