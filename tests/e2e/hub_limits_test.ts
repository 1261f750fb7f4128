/** What a hub does not take from its clients, and what becomes of the rest. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { namesIn, writeTree } from "../support/disk_tree.ts";
import { serve } from "../support/hub_program.ts";
import { type Ended, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("C15: a file that is larger than the hub takes is named, and all others go on", async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), [
    ...["--no-auth", "--max-file-size", "1000"],
  ]);
  const url = `${hub.url.replace("http", "ws")}/engine`;
  const [a, b] = [temp.directory("a"), temp.directory("b")];
  const go = async (
    dir: string,
    code: number,
    args: readonly string[] = ["--two-way"],
  ): Promise<Ended> => {
    const env = { XDG_STATE_HOME: temp.at(`state-${dir.slice(-1)}`) };
    const ended = await sync(dir, url, args, { env });
    assertEquals(ended.code, code, `${ended.stdout}\n${ended.stderr}`);
    return ended;
  };
  const named = ({ events }: Ended): unknown[] =>
    events.filter(({ event }) => event === "problem")
      .map(({ path, message }) => [path, message]);
  const large = "x".repeat(1_001);
  writeTree(a, {
    grows: "small",
    just: "x".repeat(1_000),
    large,
    d: { deep: { large, other: "other" } },
  });
  const tooLarge =
    "larger than the hub takes: 1001 bytes, 1000 at the most" as const;
  assertEquals(named(await go(a, 3)), [
    ["d/deep/large", `d/deep/large: ${tooLarge}`],
    ["large", `large: ${tooLarge}`],
  ]);
  await go(b, 0);
  assertEquals(namesIn(b), ["d", "grows", "just"]);
  assertEquals(namesIn(join(b, "d", "deep")), ["other"]);
  // A version that is too large leaves the one before where it is.
  writeTree(a, { grows: large });
  assertEquals(named(await go(a, 3)).length, 3);
  await go(b, 0);
  assertEquals(Deno.readTextFileSync(join(b, "grows")), "small");
  assertEquals(Deno.readTextFileSync(join(a, "grows")), large);
  assertEquals(Deno.readTextFileSync(join(a, "large")), large);
  assertEquals(named(await go(a, 3, [])).length, 3);
  // What fits by now goes.
  writeTree(a, {
    grows: "fits",
    large: "fits",
    d: { deep: { large: "fits" } },
  });
  await go(a, 0);
  await go(b, 0);
  for (const path of ["grows", "large", "d/deep/large"]) {
    assertEquals(Deno.readTextFileSync(join(b, path)), "fits");
  }
});
