import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { exists, link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertUntouched, listTree } from "../support/oracle.ts";
import { type Ended, listen, run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

/** `verify --json` between two directories, or over a socket. */
async function verify(
  source: string,
  target: string,
  isRemote: boolean,
  args: readonly string[] = [],
): Promise<Ended> {
  if (!isRemote) {
    return await run(
      ["verify", "--from", source, "--to", target, "--json", ...args],
    );
  }
  await using receiver = await listen(target);
  return await run(
    ["verify", "--from", source, "--to", receiver.url, "--json", ...args],
  );
}

function differencesIn(ended: Ended): string[] {
  return ended.events.filter(({ event }) => event === "difference")
    .map(({ path, difference, reason }) => `${difference} ${path} ${reason}`);
}

for (const isRemote of [false, true]) {
  const how = isRemote ? "over WebSocket" : "between directories";

  Deno.test(`verify finds what a look at size and time does not, ${how}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { a: "1", d: { b: "22", c: "333" }, l: link("a") });
    assertEnded(await sync(source, target));
    const equal = await verify(source, target, isRemote);
    assertEnded(equal);
    assertEquals(differencesIn(equal), []);

    // A disk that has changed a byte tells nobody.
    const { mtime } = Deno.statSync(`${target}/d/b`);
    Deno.writeTextFileSync(`${target}/d/b`, "2x");
    Deno.utimeSync(`${target}/d/b`, mtime!, mtime!);
    Deno.removeSync(`${target}/a`);
    writeTree(target, { x: { y: "extra" } });
    const before = [listTree(source), listTree(target)] as const;
    const ended = await verify(source, target, isRemote);
    assertEnded(ended, 3);
    assertEquals(differencesIn(ended).sort(), [
      "differs  time",
      "differs d/b content",
      "extra x extra",
      "extra x/y extra",
      "missing a new",
    ]);
    const verified = ended.events.find(({ event }) => event === "verified");
    assertEquals(
      [verified?.missing, verified?.differs, verified?.extra],
      [1, 2, 2],
    );
    assertUntouched(source, before[0]);
    assertUntouched(target, before[1]);
    assertEnded(await verify(source, target, isRemote, ["--exclude", "*"]), 3);
  });
}

Deno.test("verify makes no directory, and says that there is none", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const ended = await run(
    ["verify", "--from", source, "--to", temp.at("missing")],
  );
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, "there is no such file or directory");
  assertEquals(exists(temp.at("missing")), false);
});

Deno.test("verify says what it found to people, and that nothing was to find", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(source, { "new\nline": "1" });
  Deno.utimeSync(source, 1, 1);
  Deno.utimeSync(target, 1, 1);
  const args = ["verify", "--from", source, "--to", target];
  const ended = await run(args);
  assertEquals(ended.code, 3);
  const text = ended.stdout + ended.stderr;
  assertStringIncludes(text, String.raw`missing  "new\nline"`);
  assertStringIncludes(text, "Not equal: 1 missing, 0 different, 0 extra");
  Deno.removeSync(`${source}/new\nline`);
  Deno.utimeSync(source, 1, 1);
  const equal = await run(args);
  assertEquals(equal.code, 0, equal.stderr);
  assertStringIncludes(equal.stdout + equal.stderr, "Equal: ");
});

test(
  "verify needs no place to remember anything: HOME may be unset",
  ["modes"],
  async () => {
    await using temp = new TempDir();
    const [source, target] = [temp.directory("source"), temp.at("target")];
    writeTree(source, { file: "1" });
    writeTree(target, { file: "2" });
    const { denoDir } = JSON.parse(
      (await command(Deno.execPath(), ["info", "--json"])).stdout,
    );
    const unset = ["HOME", "XDG_STATE_HOME", "LOCALAPPDATA"]
      .flatMap((name) => ["-u", name]);
    // The cache of Deno is elsewhere then, and not what is tried here.
    const under = ["env", ...unset, `DENO_DIR=${denoDir}`];
    const args = ["verify", "--from", source, "--to", target, "--json"];
    const ended = await run(args, { under });
    assertEnded(ended, 3);
    assertEquals(differencesIn(ended).length > 0, true);
    writeTree(target, { file: "1" });
    for (const name of ["file", "."]) {
      const { mtime } = Deno.statSync(`${source}/${name}`);
      Deno.utimeSync(`${target}/${name}`, mtime!, mtime!);
    }
    assertEnded(await run(args, { under }));
    // What has to remember something is what it is compared with.
    assertEnded(await run(["sync", ...args.slice(1)], { under }), 1);
  },
);
