import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TARGETS } from "../../.github/scripts/targets.ts";
import { VERSION } from "../../src/cli/version.ts";
import { namesIn } from "../support/disk_tree.ts";
import { shell } from "../support/command.ts";
import { test } from "../support/needs.ts";
import { assemble, FakeRelease, REPOSITORY } from "./kit.ts";

test(
  "a release has each executable packed, and a sum of each file that is right",
  [
    "bash",
  ],
  async () => {
    await using release = await FakeRelease.make("the executable\n");
    const names = namesIn(release.files);
    for (const name of Object.values(TARGETS)) {
      const packed = `${release.files}/${name}.gz`;
      assertEquals(await shell('gzip -dc "$1"', packed), "the executable\n");
    }
    assertEquals(names.length, Object.values(TARGETS).length + 7);
    await shell('cd "$1"; sha256sum --check --quiet SHA256SUMS', release.files);
    const sums = Deno.readTextFileSync(`${release.files}/SHA256SUMS`);
    const summed = sums.trim().split("\n").map((line) => line.split("  ")[1]!);
    assertEquals([...summed, "SHA256SUMS"].sort(), [...names].sort());
  },
);

Deno.test("a release says where it is from, what is in it, and what is new", async () => {
  await using release = await FakeRelease.make();
  const read = (name: string): string =>
    Deno.readTextFileSync(`${release.files}/${name}`);
  for (const name of ["install.sh", "install.ps1"]) {
    assertStringIncludes(read(name), `${REPOSITORY}/releases`);
    assert(!read(name).includes("@RELEASES@"), name);
  }
  assertStringIncludes(read("lockstep.1"), `lockstep ${VERSION}`);
  const { packages, relationships } = JSON.parse(read("sbom.spdx.json"));
  const lock = JSON.parse(
    Deno.readTextFileSync(new URL("../../deno.lock", import.meta.url)),
  );
  assertEquals(packages.length, Object.keys(lock.npm).length + 1);
  assertEquals(relationships.length, packages.length);
  const ids = new Set(packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID));
  assertEquals(ids.size, packages.length);
  const zod = packages.find(({ name }: { name: string }) => name === "zod");
  assertEquals(zod.checksums[0].checksumValue.length, 128);
  const notes = Deno.readTextFileSync(release.notes);
  assert(notes.length > 100 && !notes.includes("## "), notes);
});

Deno.test("a tag that is not the version makes no release, nor does a missing executable", async () => {
  await using release = await FakeRelease.make();
  const dist = release.temp.at("dist");
  const tagged = await assemble(dist, ["--tag", "v99.0.0"]);
  assertEquals(tagged.code, 1);
  assertStringIncludes(tagged.stderr, "The tag is v99.0.0");
  assertEquals((await assemble(dist, ["--tag", `v${VERSION}`])).code, 0);
  await Deno.remove(`${dist}/${TARGETS["aarch64-apple-darwin"]}`);
  const missing = await assemble(dist);
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "aarch64-macos");
});
