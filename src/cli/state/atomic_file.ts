/** Files that are there as a whole or not at all, and only for their owner. */
import { basename, dirname, join } from "@std/path";
import { syncDirectory } from "../../fs/sync_directory.ts";

/** A file that is written beside its final place; its owner commits or disposes. */
export class AtomicFile implements Disposable {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  /** @throws What the system says, if nothing can be made in that directory. */
  constructor(path: string) {
    this.#path = path;
    const unique = crypto.randomUUID();
    this.#temporary = join(dirname(path), `.${basename(path)}.${unique}`);
    this.#file = Deno.openSync(this.#temporary, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
  }

  write(content: string | Uint8Array): void {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
  }

  /** Puts it in its place, over what is there, when it is safely on the disk. */
  commit(): void {
    this.#file.syncSync();
    this.#close();
    Deno.renameSync(this.#temporary, this.#path);
    syncDirectory(dirname(this.#path));
  }

  /** The same, but only where nothing is there. @throws {Deno.errors.AlreadyExists} */
  commitNew(): void {
    this.#file.syncSync();
    this.#close();
    Deno.linkSync(this.#temporary, this.#path);
    syncDirectory(dirname(this.#path));
  }

  /** Removes it, unless it was committed. */
  [Symbol.dispose](): void {
    if (!this.#isOpen && !exists(this.#temporary)) return;
    this.#close();
    Deno.removeSync(this.#temporary);
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

/** Whether there is anything at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
