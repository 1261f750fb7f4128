import { assert, assertEquals, assertThrows } from "@std/assert";
import { chunkId } from "../../../src/content/recipe.ts";
import { IntegrityError, SyncError } from "../../../src/errors.ts";
import { PackFiles } from "../../../src/hub/pack_files.ts";
import { assertUntouched, listTree } from "../../support/oracle.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

function chunk(seed: number): { id: Uint8Array; bytes: Uint8Array } {
  const bytes = new Random(seed).bytes(1_000);
  return { id: Uint8Array.fromHex(chunkId(bytes)), bytes };
}

Deno.test("packs go on where they ended, and what nobody was told of goes", async () => {
  await using temp = new TempDir();
  const first = PackFiles.open(temp.path, new Map());
  const a = chunk(1);
  const placeA = first.append(a.id, a.bytes);
  const sizes = await first.flush();
  const b = chunk(2);
  first.append(b.id, b.bytes);
  first.close();
  const { size: torn } = Deno.statSync(temp.at("1.pack"));
  Deno.writeFileSync(temp.at("9.pack"), b.bytes);

  const second = PackFiles.open(temp.path, sizes);
  assert(Deno.statSync(temp.at("1.pack")).size < torn);
  assertEquals([...Deno.readDirSync(temp.path)].length, 1);
  assertEquals(second.read(a.id, placeA), a.bytes);
  const placeB = second.append(b.id, b.bytes);
  assertEquals(placeB.pack, 1);
  assertEquals(second.read(b.id, placeB), b.bytes);
  second.close();
});

Deno.test("each flipped bit of a chunk's record is found when it is read", async () => {
  await using temp = new TempDir();
  const packs = PackFiles.open(temp.path, new Map());
  const { id, bytes } = chunk(3);
  const place = packs.append(id, bytes);
  await packs.flush();
  packs.close();
  const path = temp.at("1.pack");
  const whole = Deno.readFileSync(path);
  for (let at = place.offset; at < whole.length; at += 37) {
    const damaged = whole.slice();
    damaged[at] = damaged[at]! ^ (1 << (at % 8));
    Deno.writeFileSync(path, damaged);
    const again = PackFiles.open(temp.path, new Map([[1, whole.length]]));
    assertThrows(() => again.read(id, place), IntegrityError, "damaged");
    again.close();
  }
});

Deno.test("a pack that is missing, too short or none is refused, and nothing is touched", async () => {
  await using temp = new TempDir();
  const packs = PackFiles.open(temp.path, new Map());
  const { id, bytes } = chunk(4);
  packs.append(id, bytes);
  const sizes = await packs.flush();
  packs.close();
  const path = temp.at("1.pack");
  const whole = Deno.readFileSync(path);
  // A tail to cut and a stray to remove, which must both stay.
  Deno.writeFileSync(temp.at("7.pack"), bytes);
  const cases: [string, () => void, RegExp][] = [
    [
      "too short",
      () => Deno.truncateSync(path, whole.length - 1),
      /belong to it/,
    ],
    [
      "no pack",
      () => Deno.writeFileSync(path, new Uint8Array(5_000)),
      /does not begin/,
    ],
    ["missing", () => Deno.removeSync(path), /missing/],
  ];
  for (const [title, damage, reason] of cases) {
    damage();
    const before = listTree(temp.path);
    const error = assertThrows(
      () => PackFiles.open(temp.path, sizes),
      SyncError,
      undefined,
      title,
    );
    assert(reason.test(error.message), error.message);
    assertUntouched(temp.path, before);
  }
});
