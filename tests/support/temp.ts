/** Temporary directories that are gone afterwards, whatever a test put there. */
import { join } from "@std/path";
import { command } from "./command.ts";

/** Memory is faster than a disk, and keeps every mtime. */
const BASE = isDirectory("/dev/shm") ? "/dev/shm" : undefined;

/** A temporary directory; its owner disposes of it. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  constructor() {
    this.path = Deno.realPathSync(Deno.makeTempDirSync({
      prefix: "lockstep-test-",
      ...(BASE === undefined ? {} : { dir: BASE }),
    }));
  }

  /** The path of `names` in it. */
  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Makes a directory in it: its path. */
  directory(name: string): string {
    const path = this.at(name);
    Deno.mkdirSync(path, { recursive: true });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.path);
  }
}

/** A place for what programs remember from run to run; open to every user. */
export class StateHome extends TempDir {
  constructor() {
    super();
    if (Deno.build.os !== "windows") Deno.chmodSync(this.path, 0o777);
  }
}

/** Removes a directory also if it is deep, immutable or closed to its owner. */
export async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    await command("chattr", ["-R", "-i", path]);
    await command("chmod", ["-R", "u+rwx", path]);
    const removed = await command("rm", ["-rf", path]);
    if (removed.code !== 0) throw error;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
