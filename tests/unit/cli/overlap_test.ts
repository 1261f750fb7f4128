import { assertStringIncludes, assertThrows } from "@std/assert";
import { refuseOverlap } from "../../../src/cli/commands/overlap.ts";
import { UsageError } from "../../../src/errors.ts";

Deno.test("refuseOverlap() tells directories that lie in each other, however they are named", () => {
  const temp = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${temp}/a/b/c`, { recursive: true });
    Deno.mkdirSync(`${temp}/ab`);
    Deno.symlinkSync(`${temp}/a`, `${temp}/link`);
    Deno.symlinkSync(`${temp}/a/b`, `${temp}/deep`);
    Deno.writeTextFileSync(`${temp}/file`, "");
    const cases: [source: string, target: string, fault?: string][] = [
      ["a", "a", "are the same directory"],
      ["a", "a/", "are the same directory"],
      ["a", "link", "are the same directory"],
      ["link", "a", "are the same directory"],
      ["a", "a/b/..", "are the same directory"],
      ["a", "missing/../a", "are the same directory"],
      ["a", "a/b", "lies inside --from"],
      ["a", "a/new/deep", "lies inside --from"],
      ["a", "deep", "lies inside --from"],
      ["a", "deep/new", "lies inside --from"],
      ["a", "missing/../a/new", "lies inside --from"],
      ["a/b", "a", "lies inside --to"],
      ["deep", "link", "lies inside --to"],
      ["a/b/c", "a", "lies inside --to"],
      ["a", ".", "lies inside --to"],
      ["a", "/", "is the whole system"],
      ["a", "ab"],
      ["ab", "a"],
      ["a", "new/deep"],
      ["a/b", "a/new"],
      ["a", "file"],
      ["a", "file/x"],
    ];
    for (const [source, target, fault] of cases) {
      const check = (): void =>
        refuseOverlap(
          `${temp}/${source}`,
          target.startsWith("/") ? target : `${temp}/${target}`,
        );
      if (fault === undefined) check();
      else {
        const { message } = assertThrows(check, UsageError);
        assertStringIncludes(message, fault, `${source} -> ${target}`);
      }
    }
  } finally {
    Deno.removeSync(temp, { recursive: true });
  }
});
