/**
 * What a loss of power would take: content that was not flushed, and names in
 * directories that were not. No name in the tree may ever lead to such content, and
 * when a run says that it is done, there is nothing left to lose.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname } from "node:path/posix";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../src/fs/memory_state.ts";
import type { PlainTree } from "../../src/fs/memory_tree.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror } from "../../src/session/mirror.ts";

const STAGE = "/.lockstep/stage";

const OLD: PlainTree = {
  replaced: "old",
  deleted: "old",
  "d/replaced": "old",
  "gone/deep/file": "old",
  "becomes-directory": "old",
  "becomes-file/a": "old",
  link: { symlink: "replaced" },
};

const NEW: PlainTree = {
  replaced: "new content",
  created: "new",
  large: "n".repeat(150_000),
  "d/replaced": "new content",
  "d/created": "new",
  "new/deep/file": "new",
  "new/large": "N".repeat(100_000),
  "becomes-directory/file": "new",
  "becomes-file": "new",
  link: { symlink: "created" },
};

/** What of a target would be lost, by its calls. */
class Volatile {
  /** Content that came into the tree without having been flushed. */
  readonly exposed: string[] = [];
  /** How many files came into the tree. */
  files = 0;
  readonly #content = new Set<string>();
  readonly #names = new Set<string>();

  /** Directories of the tree with entries that would be lost. */
  get names(): string[] {
    return [...this.#names].filter((path) => !path.startsWith("/.lockstep"));
  }

  /** To be called before each call. */
  see(method: MemoryMethod, path: string): void {
    switch (method) {
      case "createFile":
      case "write":
      case "truncate":
        this.#content.add(path);
        this.#names.add(dirname(path));
        break;
      case "createSymlink":
      case "createDirectory":
      case "removeFile":
      case "removeDirectory":
        this.#names.add(dirname(path));
        break;
      case "rename":
      case "moveNew":
        this.#names.add(dirname(path));
        if (path.startsWith(`${STAGE}/`)) this.#arrive(path);
        break;
      case "flush":
        this.#content.delete(path);
        this.#names.delete(path);
        break;
      case "flushFileSystem":
        this.#content.clear();
        this.#names.clear();
        break;
      default:
        // The rest changes neither content nor names.
    }
  }

  /** The staged entry at `path` gets its place in the tree, with all in it. */
  #arrive(path: string): void {
    this.files++;
    const isInside = (other: string): boolean =>
      other === path || other.startsWith(`${path}/`);
    this.exposed.push(...[...this.#content].filter(isInside));
    for (const name of [...this.#names].filter(isInside)) {
      this.#names.delete(name);
      this.#names.add(name.slice(STAGE.length));
    }
    this.#names.add(dirname(path.slice(STAGE.length)));
  }
}

/** Few files are flushed one by one, many with the whole file system. */
const SIZES = { "a few files": 0, "many files": 200 };

for (const [what, more] of Object.entries(SIZES)) {
  Deno.test(`E14: with ${what}, a loss of power empties none that has its name`, async () => {
    const many = Array.from({ length: more }, (_, i) => [`many/${i}`, `${i}`]);
    const source = MemoryFileSystem.from({
      ...NEW,
      ...Object.fromEntries(many),
    });
    const target = MemoryFileSystem.from({ ...OLD, "many/0": "old" });
    const volatile = new Volatile();
    target.fault = (method, path): undefined => {
      volatile.see(method, path);
    };
    const from = await LocalEndpoint.open(source, "/");
    const to = await LocalEndpoint.open(target, "/", { create: true });
    const { problems } = await mirror(from, to, {
      checksum: false,
      symlinks: "copy",
      deletes: true,
    });
    const { exposed, files, names } = volatile;
    await to.close({ kind: "done", message: "" });
    await from.close({ kind: "done", message: "" });
    assertEquals(problems, []);
    assert(files > 5, `only ${files} entries came`);
    assertEquals(exposed, []);
    // What goes with the staging area, at the top, may come back.
    assertEquals(names.filter((path) => path !== "/"), []);
  });
}
