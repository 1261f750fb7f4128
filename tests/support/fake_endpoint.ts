/**
 * An endpoint whose tree is in memory, to test what talks to endpoints without a
 * file system. It checks little: what reaches it, it believes.
 */
import { applyChanges } from "../../src/core/apply_changes.ts";
import { type Change, filesOf, isTouch } from "../../src/core/change.ts";
import { digestOfChildren } from "../../src/core/digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  sortChildren,
  totalsOf,
} from "../../src/core/entry.ts";
import { applyMoves, type Move } from "../../src/core/moves.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import {
  isWithin,
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../../src/core/path.ts";
import type {
  ContentBatch,
  Piece,
  SupplyRequest,
  Want,
} from "../../src/core/piece.ts";
import type { Problem } from "../../src/core/problem.ts";
import {
  entryAt,
  type ScanOptions,
  type Snapshot,
} from "../../src/core/snapshot.ts";
import type {
  Endpoint,
  MoveResult,
  ScanContext,
  Staging,
  TransitionResult,
} from "../../src/session/endpoint.ts";

/** A tree as a test writes it down: text is a file, an object a directory. */
export interface Sketch {
  readonly [name: string]: string | Sketch | Entry;
}

/** A file of `size` bytes. */
export function fileEntry(
  size: number,
  fields?: Partial<FileEntry>,
): FileEntry {
  return {
    kind: "file",
    size,
    mtime: 1000,
    mode: 0o644,
    digest: undefined,
    ctime: undefined,
    inode: undefined,
    ...fields,
  };
}

/** The directory that `sketch` describes; the text of files goes into `content`. */
export function directoryOf(
  sketch: Sketch,
  content: Map<string, Uint8Array> = new Map(),
  path: RelPath = ROOT,
): DirectoryEntry {
  const children: [Name, Entry][] = [];
  for (const [text, value] of Object.entries(sketch)) {
    const name = text as Name;
    const at = join(path, name);
    if (typeof value === "string") {
      const bytes = new TextEncoder().encode(value);
      content.set(at, bytes);
      children.push([name, fileEntry(bytes.length)]);
    } else if (isEntry(value)) {
      children.push([name, value]);
    } else {
      children.push([name, directoryOf(value, content, at)]);
    }
  }
  return directory(sortChildren(children));
}

function isEntry(value: Sketch | Entry): value is Entry {
  return typeof value.kind === "string";
}

function directory(
  children: DirectoryEntry["children"],
  fields: { mode: number; mtime: number } = { mode: 0o755, mtime: 500 },
): DirectoryEntry {
  const { mode, mtime } = fields;
  const digest = digestOfChildren(children, true);
  return { kind: "directory", mode, mtime, children, digest };
}

/** The endpoint; its fields may be looked at and set between calls. */
export class FakeEndpoint implements Endpoint {
  readonly name = "fake";
  traits = { modes: true, symlinks: true, owners: false };
  readonly follows = true;
  root: DirectoryEntry;
  /** Content of files, by path. */
  readonly content = new Map<string, Uint8Array>();
  /** What the next scan tells. */
  problems: Problem[] = [];
  /** Wants the next stage answers with; all files if undefined. */
  wants: Want[] | undefined;
  /** Called before the work of each call. */
  before: (call: string, signal?: AbortSignal) => Promise<void> | void =
    () => {};
  /** All calls so far. */
  readonly calls: string[] = [];
  closed: Outcome | undefined;
  moves = true;
  /** Paths that a move leaves where they are. */
  readonly unmovable = new Set<string>();
  #received = new Map<number, Uint8Array>();

  constructor(sketch: Sketch = {}) {
    this.root = directoryOf(sketch, this.content);
  }

  /** The text of the file at `path`. */
  text(path: string): string | undefined {
    const bytes = this.content.get(path);
    return bytes && new TextDecoder().decode(bytes);
  }

  async scan(_: ScanOptions, context: ScanContext = {}): Promise<Snapshot> {
    await this.#begin("scan", context.signal);
    context.onProgress?.(1);
    return {
      root: this.root,
      totals: totalsOf(this.root),
      problems: this.problems,
    };
  }

  async advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    await this.#begin("advance");
    return applyChanges(root, changes, modes);
  }

  async synced({ round }: { readonly round: number }): Promise<void> {
    await this.#begin(`synced ${round}`);
  }

  async confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    await this.#begin("confirmAbsent", signal);
    return absent.filter((path) => entryAt(this.root, path) !== undefined)
      .map((path) => ({ path, code: "stale", message: "it is there" }));
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    await this.#begin("move", signal);
    const done = new Uint8Array(moves.length);
    const problems: Problem[] = [];
    for (const [i, move] of moves.entries()) {
      if (this.unmovable.has(move.from)) {
        const { from: path } = move;
        problems.push({ path, code: "stale", message: "it was changed" });
        continue;
      }
      done[i] = 1;
      this.root = rebuilt(applyMoves(this.root, [move]));
      for (const [path, bytes] of [...this.content]) {
        if (!isWithin(path as RelPath, move.from)) continue;
        this.content.delete(path);
        this.content.set(move.to + path.slice(move.from.length), bytes);
      }
    }
    return { done, problems, ctimes: [] };
  }

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<Staging> {
    await this.#begin("stage", signal);
    const files = [...filesOf(changes)];
    const all: Want = { first: 0, count: files.length, resume: undefined };
    this.#received = new Map();
    return {
      wants: this.wants ?? (files.length === 0 ? [] : [all]),
      writable: new WritableStream<ContentBatch>({
        write: async ({ pieces }): Promise<void> => {
          await this.#begin("write", signal);
          for (const piece of pieces) this.#write(piece, files);
        },
        close: (): void => void this.calls.push("written"),
        abort: (): void => void this.calls.push("aborted"),
      }),
    };
  }

  supply(
    requests: Iterable<SupplyRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    const rest = requests[Symbol.iterator]();
    return new ReadableStream<ContentBatch>({
      pull: async (controller): Promise<void> => {
        await this.#begin("supply", signal);
        const next = rest.next();
        if (next.done) return controller.close();
        const { index, path } = next.value;
        const bytes = this.content.get(path);
        const piece: Piece = bytes === undefined
          ? { kind: "unavailable", index, code: "stale", message: "gone" }
          : { kind: "data", index, offset: 0, bytes, last: true };
        controller.enqueue({
          pieces: [piece],
          byteLength: bytes?.length ?? 0,
        });
      },
    }, { highWaterMark: 0 });
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    await this.#begin("transition", signal);
    const done = new Uint8Array(changes.length);
    const problems: Problem[] = [];
    for (const { index, path } of filesOf(changes)) {
      const bytes = this.#received.get(index);
      if (bytes !== undefined) this.content.set(path, bytes);
    }
    for (const [i, change] of changes.entries()) {
      this.root = put(this.root, change.path, change);
      done[i] = 1;
    }
    return { done, problems };
  }

  async close(outcome: Outcome): Promise<void> {
    await this.#begin("close");
    this.closed = outcome;
  }

  async #begin(call: string, signal?: AbortSignal): Promise<void> {
    this.calls.push(call);
    await this.before(call, signal);
    signal?.throwIfAborted();
  }

  #write(piece: Piece, files: { entry: FileEntry }[]): void {
    if (piece.kind === "unavailable") return;
    const { index, offset } = piece;
    let file = this.#received.get(index);
    if (file === undefined) {
      file = new Uint8Array(files[index]!.entry.size);
      this.#received.set(index, file);
    }
    if (piece.kind === "data") file.set(piece.bytes, offset);
  }
}

/** `root` with `change` carried out. */
function put(
  root: DirectoryEntry,
  path: RelPath,
  change: Change,
): DirectoryEntry {
  const wanted = change.new;
  const there = entryAt(root, path);
  const value = wanted?.kind === "directory" && isTouch(change) &&
      there?.kind === "directory"
    ? directory(there.children, wanted)
    : wanted?.kind === "directory"
    ? rebuilt(wanted)
    : wanted;
  return replaced(root, path, value);
}

function rebuilt(entry: DirectoryEntry): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, child] of entry.children) {
    children.set(name, child.kind === "directory" ? rebuilt(child) : child);
  }
  return directory(children, entry);
}

function replaced(
  root: DirectoryEntry,
  path: RelPath,
  value: Entry | undefined,
): DirectoryEntry {
  const parentPath = parentOf(path);
  if (parentPath === undefined) return value as DirectoryEntry;
  const parent = entryAt(root, parentPath) as DirectoryEntry;
  const children = new Map(parent.children);
  if (value === undefined) children.delete(nameOf(path));
  else children.set(nameOf(path), value);
  return replaced(
    root,
    parentPath,
    directory(sortChildren(children), parent),
  );
}
