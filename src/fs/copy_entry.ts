/**
 * Copies what can't be moved because it is on another file system, and removes
 * the original afterwards: of that only what the copy holds.
 */
import { displayPath, type Name } from "../core/path.ts";
import { FileSystemError } from "../errors.ts";
import { stretchesOf } from "./content.ts";
import type {
  Directory,
  ReadableFile,
  Stat,
  WritableFile,
} from "./file_system.ts";
import { makeWritable } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";

const READ_BYTES = 256 * 1024;

/** An entry as it was copied. */
export interface CopiedEntry {
  readonly stat: Stat;
  /** What is in a directory; undefined for everything else. */
  readonly children: ReadonlyMap<Name, CopiedEntry> | undefined;
}

/** A name in an open directory. */
export interface Spot {
  readonly directory: Directory;
  readonly name: Name;
}

/**
 * Copies the entry at `from`, with all that is in it, to `to`, where nothing may
 * be: content, holes, mode, mtime, links. With `durable`, all of it but the name
 * itself survives a loss of power afterwards.
 * @throws {FileSystemError} If any of it can't be copied, or changes meanwhile;
 *   a part of the copy may be there then.
 */
export async function copyEntry(
  from: Spot,
  to: Spot,
  { durable }: { readonly durable: boolean },
): Promise<CopiedEntry> {
  return await new Copier(durable).copy(from, to);
}

/**
 * Removes the entry at `from`, which was copied as `copied`. What has changed
 * since, or has come since, stays, and the directories that hold it.
 * @throws {FileSystemError} If anything has to stay.
 */
export async function removeCopied(
  { directory, name }: Spot,
  copied: CopiedEntry,
): Promise<void> {
  const { stat, children } = copied;
  if (children === undefined) {
    if (!isUnchanged(stat, await directory.lookup(name))) {
      throw changed(directory, name);
    }
    return await directory.removeFile(name);
  }
  const inner = await directory.openDirectory(name);
  try {
    await makeWritable(inner, stat.mode);
    for (const [childName, child] of children) {
      await removeCopied({ directory: inner, name: childName }, child);
    }
  } finally {
    inner.close();
  }
  await directory.removeDirectory(name);
}

class Copier {
  readonly #durable: boolean;
  readonly #pacer = new Pacer();

  constructor(durable: boolean) {
    this.#durable = durable;
  }

  async copy(from: Spot, to: Spot): Promise<CopiedEntry> {
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
    const stat = await from.directory.lookup(from.name);
    if (stat === undefined) {
      throw cannotMove("not-found", from.directory, from.name, "it is gone");
    }
    switch (stat.kind) {
      case "file":
        await this.#copyFile(from, to, stat);
        return { stat, children: undefined };
      case "symlink": {
        const target = await from.directory.readLink(from.name);
        await to.directory.createSymlink(to.name, target, stat.mtime);
        return { stat, children: undefined };
      }
      case "directory":
        return { stat, children: await this.#copyDirectory(from, to, stat) };
      case "special": {
        const reason = "a fifo, socket or device can't be copied";
        throw cannotMove("unsupported", from.directory, from.name, reason);
      }
      default:
        return stat.kind satisfies never;
    }
  }

  async #copyFile(from: Spot, to: Spot, stat: Stat): Promise<void> {
    const { directory, name } = to;
    const { mode, mtime } = stat;
    // Only a file that was not there is written to.
    await directory.createFile(name, new Uint8Array(), { mode: 0o600, mtime });
    const source = await from.directory.openFile(from.name);
    try {
      const copy = await directory.openWritable(name);
      try {
        await this.#copyContent(source, copy, stat.size);
        if (!isUnchanged(stat, await source.stat())) {
          throw changed(from.directory, from.name);
        }
        await copy.setMetadata({ mode, mtime });
      } finally {
        copy.close();
      }
    } finally {
      source.close();
    }
    if (this.#durable) await directory.flush(name);
  }

  async #copyContent(
    source: ReadableFile,
    copy: WritableFile,
    size: number,
  ): Promise<void> {
    const buffer = new Uint8Array(Math.min(size + 1, READ_BYTES));
    let offset = 0;
    for (;;) {
      const count = await source.read(buffer, offset);
      if (count === 0) break;
      const bytes = buffer.subarray(0, count);
      for (const { zero, start, end } of stretchesOf(bytes)) {
        if (!zero) await copy.write(bytes.subarray(start, end), offset + start);
      }
      offset += count;
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
    // Zeros at the end are in no stretch that was written.
    await copy.truncate(offset);
  }

  async #copyDirectory(
    from: Spot,
    to: Spot,
    stat: Stat,
  ): Promise<ReadonlyMap<Name, CopiedEntry>> {
    const children = new Map<Name, CopiedEntry>();
    await to.directory.createDirectory(to.name);
    const source = await from.directory.openDirectory(from.name);
    try {
      const copy = await to.directory.openDirectory(to.name);
      try {
        const { entries, failed } = await source.list({ thorough: true });
        const [failure] = failed;
        if (failure !== undefined) {
          throw new FileSystemError("io", failure.message);
        }
        for (const { name } of entries) {
          const child = await this.copy(
            { directory: source, name },
            { directory: copy, name },
          );
          children.set(name, child);
        }
        const { mode, mtime } = stat;
        await copy.setOwnMetadata({ mode, mtime });
        if (this.#durable) await copy.flush();
      } finally {
        copy.close();
      }
    } finally {
      source.close();
    }
    return children;
  }
}

/** Of two names for one file, the ctime moves when the other one is removed. */
function isUnchanged(a: Stat, b: Stat | undefined): boolean {
  return b !== undefined && a.kind === b.kind && a.size === b.size &&
    a.mtime === b.mtime && a.inode === b.inode;
}

function changed(directory: Directory, name: Name): FileSystemError {
  return cannotMove("io", directory, name, "it changed while it was copied");
}

function cannotMove(
  code: "unsupported" | "not-found" | "io",
  directory: Directory,
  name: Name,
  reason: string,
): FileSystemError {
  const path = displayPath(`${directory.path}/${name}`);
  return new FileSystemError(code, `Cannot move ${path}: ${reason}`);
}
