/** Random edits of a tree on the disk, as people and programs make them. */
import { lutimesSync } from "node:fs";
import { join } from "@std/path";
import { type EntryState, listTree } from "./oracle.ts";
import type { Random } from "./random.ts";

/**
 * Makes `count` edits below `root`: a line for each, to be shown when a test
 * fails. Every changed file gets a new mtime, so that the quick check sees it.
 */
export function editTree(
  root: string,
  random: Random,
  count: number,
): string[] {
  const log: string[] = [];
  while (log.length < count) {
    const done = edit(new Editor(root, random));
    if (done !== undefined) log.push(done);
  }
  return log;
}

/** A look at the tree before one edit. */
class Editor {
  readonly root: string;
  readonly random: Random;
  readonly #states: Map<string, EntryState>;

  constructor(root: string, random: Random) {
    this.root = root;
    this.random = random;
    this.#states = listTree(root);
  }

  /** The path of some entry of these kinds, which is not the root. */
  some(...kinds: EntryState["kind"][]): string | undefined {
    const paths = [...this.#states].filter(([path, { kind }]) =>
      path !== "" && kinds.includes(kind)
    ).map(([path]) => path).sort();
    return paths.length === 0 ? undefined : this.random.pick(paths);
  }

  /** A path in some directory at which there is nothing. */
  free(): string {
    const parent = this.random.below(3) === 0
      ? ""
      : this.some("directory") ?? "";
    for (;;) {
      const name = `${this.random.pick(["a", "b", "ü", "-c", "d e"])}${
        this.random.below(1000)
      }`;
      const path = parent === "" ? name : `${parent}/${name}`;
      if (!this.#states.has(path)) return path;
    }
  }

  full(path: string): string {
    return join(this.root, path);
  }

  /** Makes something at a path where there is nothing. */
  make(path: string): string {
    const full = this.full(path);
    switch (this.random.below(4)) {
      case 0: {
        Deno.symlinkSync(this.random.pick(["x", "..", "/tmp", "a/b"]), full);
        const mtime = this.mtime() / 1000;
        lutimesSync(full, mtime, mtime);
        return "link";
      }
      case 1:
        Deno.mkdirSync(join(full, "inner", "empty"), { recursive: true });
        this.write(join(path, "inner", "file"), this.random.below(5000));
        return "directory";
      default:
        this.write(path, this.random.below(100_000));
        return "file";
    }
  }

  /** Writes `size` random bytes and a new mtime. */
  write(path: string, size: number): void {
    Deno.writeFileSync(this.full(path), this.random.bytes(size));
    this.touch(path);
  }

  touch(path: string): void {
    const mtime = new Date(this.mtime());
    Deno.utimeSync(this.full(path), mtime, mtime);
  }

  mtime(): number {
    return 1e12 + this.random.below(1e12);
  }

  size(path: string): number {
    return this.#states.get(path)?.size ?? 0;
  }
}

const EDITS = [
  "make",
  "modify",
  "modify in place",
  "append",
  "truncate",
  "chmod",
  "touch",
  "remove",
  "rename",
  "rename over",
  "swap",
  "flip",
  "hard link",
] as const;

/** Makes one edit: what it was, or undefined if there was nothing to do it to. */
function edit(editor: Editor): string | undefined {
  const { random } = editor;
  const kind = random.pick(EDITS);
  const file = editor.some("file");
  const entry = editor.some("file", "symlink", "directory");
  const free = editor.free();
  if (kind === "make") return `make ${editor.make(free)} ${free}`;
  if (file === undefined || entry === undefined) return undefined;
  switch (kind) {
    case "modify":
      editor.write(file, random.below(300_000));
      return `modify ${file}`;
    case "modify in place":
      editor.write(file, editor.size(file));
      return `same size, other bytes ${file}`;
    case "append": {
      const bytes = random.bytes(random.between(1, 5000));
      Deno.writeFileSync(editor.full(file), bytes, { append: true });
      editor.touch(file);
      return `append ${file}`;
    }
    case "truncate":
      Deno.truncateSync(
        editor.full(file),
        random.below(editor.size(file) + 1),
      );
      editor.touch(file);
      return `truncate ${file}`;
    case "chmod": {
      const path = editor.some("file", "directory") ?? file;
      const mode = random.pick([0o600, 0o644, 0o700, 0o755, 0o777]);
      if (Deno.build.os === "windows") return undefined;
      Deno.chmodSync(editor.full(path), mode);
      return `chmod ${mode.toString(8)} ${path}`;
    }
    case "touch": {
      const path = editor.some("file", "directory") ?? file;
      editor.touch(path);
      return `touch ${path}`;
    }
    case "remove":
      Deno.removeSync(editor.full(entry), { recursive: true });
      return `remove ${entry}`;
    case "rename":
      if (free.startsWith(`${entry}/`)) return undefined;
      Deno.renameSync(editor.full(entry), editor.full(free));
      return `rename ${entry} to ${free}`;
    case "rename over": {
      const to = editor.some("file") ?? file;
      Deno.renameSync(editor.full(file), editor.full(to));
      return `rename ${file} over ${to}`;
    }
    case "swap": {
      const other = editor.some("file") ?? file;
      if (other === file) return undefined;
      Deno.renameSync(editor.full(file), editor.full(free));
      Deno.renameSync(editor.full(other), editor.full(file));
      Deno.renameSync(editor.full(free), editor.full(other));
      return `swap ${file} and ${other}`;
    }
    case "flip":
      Deno.removeSync(editor.full(entry), { recursive: true });
      return `turn into ${editor.make(entry)} ${entry}`;
    case "hard link":
      Deno.linkSync(editor.full(file), editor.full(free));
      return `link ${file} as ${free}`;
    default:
      return kind satisfies never;
  }
}
