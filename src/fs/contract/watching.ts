/** What every file system that can watch has to keep. */
import { assert, assertEquals } from "@std/assert";
import { type RelPath, ROOT } from "../../core/path.ts";
import type { Directory, Watch, WatchEvent } from "../file_system.ts";
import { as, type Check, PLAIN, until } from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkWatching(check: Check): void {
  for (const [title, act] of Object.entries(CHANGES)) {
    check(`tells of ${title}`, async (root) => {
      await prepare(root);
      if (title.startsWith("a new") || title.includes("link")) {
        await root.removeFile(as("it"));
      }
      const seen = await Seen.from(root);
      await act(root);
      // All else that an event names has to be looked up, but does no harm.
      await until(`an event for ${title}`, () => seen.has("it"));
      seen.close();
    });
  }

  check("tells of a moved entry at both its places", async (root) => {
    await prepare(root);
    const seen = await Seen.from(root);
    await root.rename(as("it"), root, as("that"));
    await until("both names", () => seen.has("it") && seen.has("that"));
    seen.close();
  });

  check("tells of what is below, as far as it says", async (root, { fs }) => {
    await prepare(root);
    const seen = await Seen.from(root);
    const dir = await root.openDirectory(as("dir"));
    await dir.createFile(as("deep"), new Uint8Array(1), PLAIN);
    dir.close();
    await root.createFile(as("last"), new Uint8Array(1), PLAIN);
    await until("the last event", () => seen.has("last"));
    const isRecursive = fs.traits.watches === "recursive";
    if (isRecursive) await until("the deep event", () => seen.has("dir/deep"));
    else assertEquals(seen.has("dir/deep"), false);
    seen.close();
  });

  check("tells of a change of the directory itself", async (root) => {
    const seen = await Seen.from(root);
    await root.setOwnMetadata({ mode: 0o700, mtime: 1_500_000_000_000 });
    await until("an event for the root", () => seen.has(ROOT));
    seen.close();
  });

  check("tells nothing after a watch was closed, twice", async (root) => {
    const seen = await Seen.from(root);
    seen.close();
    seen.close();
    const other = await Seen.from(root);
    await root.createFile(as("it"), new Uint8Array(1), PLAIN);
    await until("an event for the other watch", () => other.has("it"));
    assertEquals(seen.events, []);
    other.close();
  });

  check(
    "keeps a watch when the directory handle is closed",
    async (_, subject) => {
      const handle = await subject.fs.openRoot(subject.root);
      const seen = await Seen.from(handle);
      handle.close();
      const again = await subject.fs.openRoot(subject.root);
      await again.createFile(as("it"), new Uint8Array(1), PLAIN);
      again.close();
      await until("an event", () => seen.has("it"));
      seen.close();
    },
  );
}

/** Changes of the entry "it", or in it. */
const CHANGES: Readonly<
  Record<string, (root: Directory) => Promise<void>>
> = {
  "a file that is written to": async (root) => {
    const file = await root.openWritable(as("it"));
    await file.write(Uint8Array.of(1, 2, 3), 0);
    file.close();
  },
  "a file that is cut off": async (root) => {
    const file = await root.openWritable(as("it"));
    await file.truncate(0);
    file.close();
  },
  "a file whose mode and mtime are set": (root) =>
    root.setMetadata(as("it"), PLAIN),
  "a removed file": (root) => root.removeFile(as("it")),
  "a file that is replaced by a rename": (root) =>
    root.rename(as("other"), root, as("it")),
  "a new directory": async (root) => {
    await root.createDirectory(as("it"));
  },
  "a directory moved out of the tree's sight and back": async (root) => {
    await root.removeFile(as("it"));
    await root.rename(as("dir"), root, as("it"));
  },
  "a dangling link": async (root) => {
    await root.createSymlink(as("it"), "nowhere", 0);
  },
  "a link that leads out of the tree": async (root) => {
    await root.createSymlink(as("it"), "/", 0);
  },
};

async function prepare(root: Directory): Promise<void> {
  await root.createDirectory(as("dir"));
  await root.createFile(as("it"), new Uint8Array(10), PLAIN);
  await root.createFile(as("other"), new Uint8Array(20), PLAIN);
}

/** What a watch has told so far. */
class Seen {
  readonly events: WatchEvent[] = [];
  #watch: Watch | undefined;

  static async from(root: Directory): Promise<Seen> {
    const seen = new Seen();
    seen.#watch = await root.watch((event) => void seen.events.push(event));
    return seen;
  }

  has(path: string): boolean {
    const ended = this.events.find(({ kind }) => kind === "ended");
    assert(ended === undefined, `The watch has ended: ${Deno.inspect(ended)}`);
    return this.events.some((event) =>
      event.kind === "changed" && event.path === path as RelPath
    );
  }

  close(): void {
    this.#watch?.close();
  }
}
