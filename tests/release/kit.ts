/** The files of a release, made of executables that are but scripts. */
import { fromFileUrl } from "@std/path";
import { TARGETS } from "../../.github/scripts/targets.ts";
import { command } from "../support/command.ts";
import { TempDir } from "../support/temp.ts";

/** Where the project lives, as far as these tests go. */
export const REPOSITORY = "https://example.org/project";

const SCRIPT = fromFileUrl(
  new URL("../../.github/scripts/assemble.ts", import.meta.url),
);

/** A release in a directory; its owner disposes of it. */
export class FakeRelease implements AsyncDisposable {
  readonly temp = new TempDir();
  /** What is published. */
  readonly files = this.temp.at("dist", "release");
  readonly notes = this.temp.at("dist", "notes.md");

  /** `executable` is the text of every executable. */
  static async make(
    executable = "#!/bin/sh\necho lockstep 9.9.9\n",
  ): Promise<FakeRelease> {
    const release = new FakeRelease();
    const dist = release.temp.directory("dist");
    for (const name of Object.values(TARGETS)) {
      await Deno.writeTextFile(`${dist}/${name}`, executable);
    }
    const { code, stderr } = await assemble(dist);
    if (code !== 0) throw new Error(stderr);
    return release;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.temp[Symbol.asyncDispose]();
  }
}

/** Runs the script that makes the files of a release. */
export function assemble(
  dist: string,
  args: readonly string[] = [],
): ReturnType<typeof command> {
  const words = ["--dist", dist, "--repository", REPOSITORY, ...args];
  return command(Deno.execPath(), ["run", "-A", "--quiet", SCRIPT, ...words]);
}
