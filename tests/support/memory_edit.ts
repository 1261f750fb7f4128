/** Random edits of a tree in a file system of ours, as somebody might make them. */
import type { Name } from "../../src/core/path.ts";
import { isFileSystemError } from "../../src/errors.ts";
import type { Directory, FileSystem } from "../../src/fs/file_system.ts";
import type { Random } from "./random.ts";

/** Few names, so that edits meet. */
const NAMES = ["a", "b", "c", "d"] as unknown as readonly Name[];

const KINDS = [
  ...["create", "create", "write", "touch", "chmod", "directory", "directory"],
  ...["link", "rename", "rename", "remove", "remove tree", "retime"],
] as const;

/** Edits the tree at `path` once, or tries to: what it did. */
export async function editOnce(
  fileSystem: FileSystem,
  path: string,
  random: Random,
): Promise<string> {
  const opened: Directory[] = [await fileSystem.openRoot(path)];
  try {
    const from = await somewhere(opened, random);
    const to = await somewhere(opened, random);
    const kind = random.pick(KINDS);
    const name = random.pick(NAMES);
    const newName = random.pick(NAMES);
    try {
      await edit(kind, { from, to, name, newName, random });
      return `${kind} ${from.path}/${name} (${to.path}/${newName})`;
    } catch (error) {
      // There is no such thing, or something else is there.
      if (!isFileSystemError(error)) throw error;
      return `nothing: ${error.message}`;
    }
  } finally {
    for (const directory of opened) directory.close();
  }
}

interface Edit {
  readonly from: Directory;
  readonly to: Directory;
  readonly name: Name;
  readonly newName: Name;
  readonly random: Random;
}

async function edit(
  kind: typeof KINDS[number],
  { from, to, name, newName, random }: Edit,
): Promise<void> {
  const mtime = 1_500_000_000_000 + random.below(5);
  const size = random.pick([0, 1, 5, 5, 70_000]);
  switch (kind) {
    case "create":
      return await from.createFile(name, random.bytes(size), {
        mode: 0o644,
        mtime,
      });
    case "write": {
      const file = await from.openWritable(name);
      try {
        await file.write(random.bytes(3), random.below(6));
        // An editor that hides what it did: size and time may stay the same.
        await file.setMetadata({ mode: 0o644, mtime });
      } finally {
        file.close();
      }
      return;
    }
    case "touch":
      return await from.setMetadata(name, { mode: 0o644, mtime });
    case "chmod":
      return await from.setMetadata(name, {
        mode: random.pick([0o600, 0o755]),
        mtime,
      });
    case "directory":
      return await from.createDirectory(name);
    case "link":
      return await from.createSymlink(name, random.pick(NAMES), mtime);
    case "rename":
      return await from.rename(name, to, newName);
    case "remove":
      return await from.removeFile(name);
    case "remove tree":
      return await removeTree(from, name);
    case "retime":
      return await from.setOwnMetadata({ mode: 0o755, mtime });
    default:
      kind satisfies never;
  }
}

async function somewhere(
  opened: Directory[],
  random: Random,
): Promise<Directory> {
  let here = opened[0]!;
  for (let depth = random.below(4); depth > 0; depth--) {
    try {
      here = await here.openDirectory(random.pick(NAMES));
      opened.push(here);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
    }
  }
  return here;
}

async function removeTree(parent: Directory, name: Name): Promise<void> {
  const directory = await parent.openDirectory(name);
  try {
    for (const { name: child, stat } of (await directory.list()).entries) {
      if (stat.kind === "directory") await removeTree(directory, child);
      else await directory.removeFile(child);
    }
  } finally {
    directory.close();
  }
  await parent.removeDirectory(name);
}
