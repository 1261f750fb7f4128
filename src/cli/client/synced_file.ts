/** Reads files of the directory that is synced, through no link on the way. */
import { namesOf, type RelPath } from "../../core/path.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { ReadableFile } from "../../fs/file_system.ts";

const PART_BYTES = 64 * 1024;

/** The content of the file at `path` below `root`. @throws {FileSystemError} */
export async function readSynced(
  root: string,
  path: RelPath,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await open(root, path);
  let offset = 0;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const part = new Uint8Array(PART_BYTES);
      try {
        const count = await file.read(part, offset);
        offset += count;
        if (count > 0) return controller.enqueue(part.subarray(0, count));
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

async function open(root: string, path: RelPath): Promise<ReadableFile> {
  const names = [...namesOf(path)];
  const name = names.pop()!;
  let directory = await new DenoFileSystem().openRoot(root);
  try {
    for (const parent of names) {
      const next = await directory.openDirectory(parent);
      directory.close();
      directory = next;
    }
    return await directory.openFile(name);
  } finally {
    directory.close();
  }
}
