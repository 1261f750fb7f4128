/** Temporary directories on two file systems, where the machine has them. */
import { removeTree, TempDir } from "./temp.ts";

/** Two directories between which nothing can be renamed. */
export class TwoDisks implements AsyncDisposable {
  readonly one = new TempDir();
  readonly other: string = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "lockstep-test-" }),
  );

  async [Symbol.asyncDispose](): Promise<void> {
    await this.one[Symbol.asyncDispose]();
    await removeTree(this.other);
  }
}

const TWO = await areTwo();

/** Whether {@link TwoDisks} are really two. */
async function areTwo(): Promise<boolean> {
  await using disks = new TwoDisks();
  const [a, b] = [disks.one.path, disks.other].map((path) =>
    Deno.statSync(path).dev
  );
  return a !== b;
}

/** Registers the test `name`; with one file system only it is skipped, and says so. */
export function testOnTwoDisks(
  name: string,
  run: (one: TempDir, other: string) => Promise<void>,
): void {
  const title = TWO ? name : `${name} [skipped: one file system only]`;
  Deno.test({
    name: title,
    ignore: !TWO,
    fn: async () => {
      await using disks = new TwoDisks();
      await run(disks.one, disks.other);
    },
  });
}
