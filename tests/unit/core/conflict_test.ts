import { assert, assertEquals } from "@std/assert";
import { copyName, winnerOf } from "../../../src/core/conflict.ts";
import { parseName } from "../../../src/core/path.ts";
import { directory, file, symlink } from "../../support/trees.ts";

const MTIME = Date.UTC(2026, 0, 31, 12, 0, 0, 999);

function nameOf(name: string, attempt = 1): string {
  return copyName(parseName(name), "to", file({ mtime: MTIME }), attempt);
}

Deno.test("copyName() puts side and time before the extension", () => {
  assertEquals(nameOf("report.txt"), "report.conflict-to-20260131T120000Z.txt");
  assertEquals(nameOf("a.tar.gz"), "a.tar.conflict-to-20260131T120000Z.gz");
  assertEquals(nameOf("Makefile"), "Makefile.conflict-to-20260131T120000Z");
  assertEquals(nameOf(".bashrc"), ".bashrc.conflict-to-20260131T120000Z");
  assertEquals(
    nameOf("v1.a whole sentence"),
    "v1.a whole sentence.conflict-to-20260131T120000Z",
  );
});

Deno.test("copyName() counts where a name is taken", () => {
  assertEquals(nameOf("a.txt", 2), "a.conflict-to-20260131T120000Z-2.txt");
});

Deno.test("copyName() gives a directory its name as a whole", () => {
  const name = copyName(
    parseName("v1.2"),
    "from",
    directory({}, { mtime: MTIME }),
    1,
  );
  assertEquals(name, "v1.2.conflict-from-20260131T120000Z");
});

Deno.test("copyName() does not grow from copy to copy", () => {
  for (const name of ["report.txt", "Makefile", "a.tar.gz", ".rc"]) {
    const once = nameOf(name, 3);
    assertEquals(nameOf(once), nameOf(name));
  }
});

Deno.test("copyName() keeps to 255 bytes, in whole characters", () => {
  for (const name of ["x".repeat(255), "ü".repeat(127), "🙂".repeat(63)]) {
    for (const end of ["", ".txt"]) {
      const bytes = new TextEncoder().encode(nameOf(`${name}${end}`, 1000));
      assert(bytes.length <= 255, `${bytes.length} bytes`);
      assert(bytes.length > 240);
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    }
  }
});

Deno.test("copyName() takes times that no calendar has", () => {
  for (const mtime of [-8.64e15, -1, 8.64e15]) {
    const name = copyName(parseName("a"), "to", file({ mtime }), 1);
    assert(/^a\.conflict-to-[0-9TZ]+$/.test(name), name);
    assertEquals(copyName(name, "to", file({ mtime }), 1), name);
  }
});

Deno.test("winnerOf() takes the later version, whoever has it", () => {
  const old = file({ mtime: 1, digest: "b" });
  const young = file({ mtime: 2, digest: "a" });
  assertEquals(winnerOf("newest", young, old), "alpha");
  assertEquals(winnerOf("newest", old, young), "beta");
});

Deno.test("winnerOf() decides alike on both sides where the times are equal", () => {
  const versions = [file({ digest: "a" }), file({ digest: "b" }), symlink("x")];
  for (const one of versions) {
    for (const two of versions) {
      if (one === two) continue;
      const here = winnerOf("newest", one, two);
      const there = winnerOf("newest", two, one);
      assertEquals(here === "alpha", there === "beta");
    }
  }
});

Deno.test("winnerOf() lets a directory win over a later file", () => {
  const later = file({ mtime: 9_999 });
  assertEquals(winnerOf("newest", directory(), later), "alpha");
  assertEquals(winnerOf("newest", later, directory()), "beta");
});

Deno.test("winnerOf() does as it is told", () => {
  const [old, young] = [file({ mtime: 1 }), file({ mtime: 2 })];
  assertEquals(winnerOf("prefer-alpha", old, young), "alpha");
  assertEquals(winnerOf("prefer-beta", young, old), "beta");
  assertEquals(winnerOf("keep-both", old, young), "none");
});
