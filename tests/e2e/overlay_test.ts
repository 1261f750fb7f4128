/**
 * Targets on an overlay, as containers have them: a directory of the lower layer
 * can't be moved, so it has to be given up where it is.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { assertEnded, assertIdle, CARRIERS } from "../support/carriers.ts";
import { exists, link, writeTree } from "../support/disk_tree.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { Scene } from "../support/scene.ts";

const LOWER = {
  gone: { deep: { file: "deleted", link: link("file") }, empty: {} },
  flips: { inner: "was in a directory" },
  turns: "was a file",
  stays: { same: "same", changes: "old", extra: "extra" },
};

/** What `gone` and `flips` hold, by path. */
const LOST: readonly [path: string, content: string][] = [
  ["gone/deep/file", "deleted"],
  ["flips/inner", "was in a directory"],
];

class OverlayScene extends Scene {
  constructor() {
    super();
    writeTree(this.temp.at("lower"), LOWER);
    writeTree(this.source, {
      flips: "now a file",
      turns: { inner: "now in a directory" },
      stays: { same: "same", changes: "new content", created: "" },
    });
  }

  /** The tree of the lower layer is at the target while `work` is done. */
  async overlaid(work: () => Promise<void>): Promise<void> {
    const [lower, upper, area] = ["lower", "upper", "work"].map((name) =>
      this.temp.directory(name)
    );
    const options = `redirect_dir=off,lowerdir=${lower},upperdir=${upper},` +
      `workdir=${area}`;
    await mounted(this.target, { type: "overlay", options }, async () => {
      const gone = `${this.target}/gone`;
      assertThrows(() => Deno.renameSync(gone, `${gone}2`));
      await work();
    });
  }
}

for (const { name, mirror } of CARRIERS) {
  test(
    `directories of the lower layer are deleted and turn into files, ${name}`,
    ["overlay"],
    async () => {
      await using scene = new OverlayScene();
      const { source, target } = scene;
      await scene.overlaid(async () => {
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
        assertEquals(exists(`${target}/.lockstep`), false);
        if (name === "between directories") {
          assertIdle(await mirror(source, target));
        }
      });
    },
  );

  for (const place of ["beside it", "in .lockstep"]) {
    test(
      `what goes from the lower layer lies in a trash ${place}, ${name}`,
      ["overlay"],
      async () => {
        await using scene = new OverlayScene();
        const { source, target, temp } = scene;
        const trash = place === "beside it"
          ? temp.at("trash")
          : `${target}/.lockstep/trash`;
        await scene.overlaid(async () => {
          if (name === "between directories") {
            assertEnded(await mirror(source, target, ["--trash", trash]));
          } else {
            await receiveWithTrash(source, target, trash);
          }
          await assertSameTree(source, target, { except: [".lockstep"] });
          const [stamp] = [...Deno.readDirSync(trash)].map(({ name }) => name);
          const files = `${trash}/${stamp}/files`;
          for (const [path, content] of LOST) {
            assertEquals(Deno.readTextFileSync(`${files}/${path}`), content);
          }
          assertEquals(Deno.readLinkSync(`${files}/gone/deep/link`), "file");
          assertEquals(exists(`${files}/gone/empty`), true);
          assertEquals(Deno.readTextFileSync(`${files}/turns`), "was a file");
          assertEquals(Deno.readTextFileSync(`${files}/stays/changes`), "old");
          assertEquals(Deno.readTextFileSync(`${files}/stays/extra`), "extra");
        });
      },
    );
  }
}

async function receiveWithTrash(
  source: string,
  target: string,
  trash: string,
): Promise<void> {
  await using receiver = await listen(target, ["--trash", trash]);
  assertEnded(await sync(source, receiver.url));
  assertEnded(await receiver.ended);
}
