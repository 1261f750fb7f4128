/** Small trees on the disk, written as literals. */
import { join } from "@std/path";

/** What {@link writeTree} makes: a file's content, a link, or a directory. */
export type DiskLiteral =
  | string
  | Uint8Array
  | LinkLiteral
  | { readonly [name: string]: DiskLiteral };

class LinkLiteral {
  constructor(readonly target: string) {}
}

/** A symbolic link that points to `target`. */
export function link(target: string): LinkLiteral {
  return new LinkLiteral(target);
}

/** Makes `literal` at `path`; directories that are there already are kept. */
export function writeTree(path: string, literal: DiskLiteral): void {
  if (typeof literal === "string") Deno.writeTextFileSync(path, literal);
  else if (literal instanceof Uint8Array) Deno.writeFileSync(path, literal);
  else if (literal instanceof LinkLiteral) {
    Deno.symlinkSync(literal.target, path);
  } else {
    Deno.mkdirSync(path, { recursive: true });
    for (const [name, child] of Object.entries(literal)) {
      writeTree(join(path, name), child);
    }
  }
}

/** Whether anything is at `path`; a dangling link is. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isAbsent) return false;
    throw error;
  }
}

/** The names in a directory, sorted. */
export function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}
