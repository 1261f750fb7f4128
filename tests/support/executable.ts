/** The executable that `deno task compile` makes, where this machine can make it. */
import { fromFileUrl } from "@std/path";
import { command } from "./command.ts";
import { TempDir } from "./temp.ts";

const SCRIPT = fromFileUrl(
  new URL("../../.github/scripts/compile.ts", import.meta.url),
);

/**
 * Whether there is an executable (LOCKSTEP_BIN names it), or what one is made of
 * (DENORT_BIN names the runtime, COMPILE_DENO the Deno that goes with it).
 */
export function hasExecutable(): boolean {
  return ["LOCKSTEP_BIN", "DENORT_BIN"].some((name) => Deno.env.has(name));
}

/** The path of an executable; its owner disposes of it. */
export class Executable implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly temp: TempDir | undefined,
  ) {}

  /** The one that is there, or a new one. */
  static async obtain(): Promise<Executable> {
    const given = Deno.env.get("LOCKSTEP_BIN");
    if (given !== undefined) return new Executable(given, undefined);
    const temp = new TempDir();
    const name = Deno.build.os === "windows" ? "lockstep.exe" : "lockstep";
    const path = temp.at(name);
    const args = ["run", "-A", SCRIPT, "--output", path];
    const { code, stderr } = await command(Deno.execPath(), args);
    if (code === 0) return new Executable(path, temp);
    await temp[Symbol.asyncDispose]();
    throw new Error(`Cannot compile: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp?.[Symbol.asyncDispose]();
  }
}
