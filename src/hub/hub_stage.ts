/** Content on its way into a hub, until the changes that need it are carried out. */
import type { PlannedFile } from "../core/change.ts";
import { MAX_CHUNK_BYTES } from "../content/limits.ts";
import type { Digest, FileEntry } from "../core/entry.ts";
import { displayPath } from "../core/path.ts";
import type { ContentBatch, Piece, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { WantRuns } from "../core/want_runs.ts";
import {
  IntegrityError,
  isFileSystemError,
  messageOf,
  ProtocolError,
} from "../errors.ts";
import { Pacer } from "../fs/pacer.ts";
import { HubAssembly } from "./hub_assembly.ts";
import type { HubReuse } from "./hub_reuse.ts";
import {
  type Distrust,
  type IncomingFile,
  SameFile,
  WholeFile,
} from "./incoming_file.ts";
import type { HubStore, StoredContent } from "./store.ts";

/** Content that is in the store. */
export interface ContentRef {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** After so many bytes a hub that dies has to be sent no more of them again. */
const KEEP_BYTES = 32 * 1024 * 1024;

/** What a {@link HubStage} works with. */
export interface HubStageOptions {
  /** Who brings the content. */
  readonly client: string;
  /** `filesOf` the changes. */
  readonly files: readonly PlannedFile[];
  /** Larger files are left out, in bytes; all are taken unless said. */
  readonly maxFileSize?: number | undefined;
  /** Without it, all files come whole. */
  readonly reuse?: HubReuse | undefined;
  /** Hears of what went wrong with a file that is made of others. */
  readonly onDistrust?: (path: PlannedFile["path"], why: Distrust) => void;
}

/** The content that one list of changes needs. Its owner closes it. */
export class HubStage {
  readonly #store: HubStore;
  readonly #options: HubStageOptions;
  readonly #contents = new Map<number, ContentRef>();
  readonly #stored: StoredContent[] = [];
  readonly #failed = new Set<number>();
  readonly #problems: Problem[] = [];
  /** The file that is coming. */
  #current: IncomingFile | undefined;
  /** Bytes that have come since the last ones were kept. */
  #unkeptBytes = 0;
  #isClosed = false;

  constructor(store: HubStore, options: HubStageOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** What could not be had, so far. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** The content of file number `index`, if all of it is here. */
  contentOf(index: number): ContentRef | undefined {
    return this.#contents.get(index);
  }

  /**
   * What is lacking: not that of which the digest is known, and the content here;
   * nor what is larger than the hub takes. To be called once, before content comes.
   */
  async prepare(): Promise<readonly Want[]> {
    const { client, files, maxFileSize = Infinity, reuse } = this.#options;
    const mayBeUnfinished = this.#store.hasUnfinished(client);
    const runs = new WantRuns();
    const pacer = new Pacer();
    for (const { index, path, entry } of files) {
      const pause = pacer.turn();
      if (pause !== undefined) await pause;
      // What is held from here on nobody would release.
      if (this.#isClosed) break;
      const held = this.#hold(entry) ??
        (mayBeUnfinished ? await this.#finish(entry) : undefined);
      if (held !== undefined) {
        this.#contents.set(index, { digest: held.digest, size: held.size });
        this.#stored.push(held);
        continue;
      }
      if (entry.size > maxFileSize) {
        const reason = tooLarge(entry.size, maxFileSize);
        this.#fail(index, "failed", `${displayPath(path)}: ${reason}`);
        continue;
      }
      runs.add(index, reuse?.has(index) === true);
    }
    return runs.wants;
  }

  /**
   * Stores the pieces of `batch`.
   * @throws {ProtocolError} If a piece is not the one whose turn it is.
   * @throws {FileSystemError} `no-space` …
   */
  async accept(batch: ContentBatch, signal?: AbortSignal): Promise<void> {
    this.#options.reuse?.settle();
    try {
      for (const piece of batch.pieces) await this.#accept(piece, signal);
      this.#unkeptBytes += batch.byteLength;
      if (this.#unkeptBytes < KEEP_BYTES) return;
      this.#unkeptBytes = 0;
      await this.#store.keepUnfinished(this.#options.client);
    } catch (error) {
      // It is full for all that follows, and what has come takes others' room.
      if (isFileSystemError(error, "no-space")) await this.giveBack();
      throw error;
    }
  }

  /** Gives up all that has come, now and before: there is no room for it. */
  async giveBack(): Promise<void> {
    const { client } = this.#options;
    await this.close({ isOver: true });
    try {
      if (!this.#store.hasUnfinished(client)) return;
      this.#store.forgetUnfinished(client);
    } catch (error) {
      // It goes when it is too old.
      if (!isFileSystemError(error)) throw error;
    }
  }

  /**
   * Ends the work.
   * @param isOver Whether what has come and no change has taken is given up; else
   *   it is kept for the next try.
   */
  async close({ isOver }: { readonly isOver: boolean }): Promise<void> {
    this.#isClosed = true;
    try {
      if (!isOver) await this.#store.keepUnfinished(this.#options.client);
    } catch (error) {
      // Then it is sent again.
      if (!isFileSystemError(error)) throw error;
    } finally {
      this.#abort();
      this.#options.reuse?.close();
      for (const content of this.#stored.splice(0)) content.release();
    }
  }

  async #accept(piece: Piece, signal: AbortSignal | undefined): Promise<void> {
    const { index } = piece;
    const file = this.#options.files[index];
    if (file === undefined || this.#contents.has(index)) {
      throw new ProtocolError(`Content for file ${index} was not asked for`);
    }
    if (this.#failed.has(index)) return;
    if (piece.kind === "unavailable") {
      if (this.#current?.index === index) this.#abort();
      return this.#fail(index, piece.code, piece.message);
    }
    const current = this.#current ??= this.#open(file);
    if (current.index !== index) {
      throw new ProtocolError(`Content of file ${index} is missing`);
    }
    try {
      const content = await current.put(piece, signal);
      if (content === undefined) return;
      this.#current = undefined;
      this.#stored.push(content);
      const { digest, size } = file.entry;
      if (digest !== undefined && digest !== content.digest) {
        const shown = displayPath(file.path);
        const message = `${shown}: the content does not match its digest`;
        return this.#fail(index, "failed", message);
      }
      this.#contents.set(index, { digest: content.digest, size });
    } catch (error) {
      this.#giveUp(file, current, error);
    }
  }

  #open(file: PlannedFile): IncomingFile {
    const { client, reuse } = this.#options;
    const plan = reuse?.planOf(file.index);
    if (plan === undefined) {
      return new WholeFile(file, this.#store.write(client));
    }
    return plan.kind === "same"
      ? new SameFile(file.index, this.#store, plan.content)
      : new HubAssembly(file.index, plan);
  }

  /** @throws `error`, if it is not one of this file alone. */
  #giveUp(
    { index, path }: PlannedFile,
    { distrust }: IncomingFile,
    error: unknown,
  ): void {
    const isWrong = error instanceof IntegrityError;
    if (!isWrong && !isFileSystemError(error)) throw error;
    this.#abort();
    // A full disk is full for all that follows.
    if (!isWrong && error.code === "no-space") throw error;
    // What was damaged here is known to be now, and will be asked for.
    if (isWrong && distrust !== undefined) {
      this.#options.onDistrust?.(path, distrust);
    }
    this.#fail(index, isWrong ? "stale" : "failed", messageOf(error));
  }

  /** The content of a file, if its digest is known and the store has it. */
  #hold({ digest, size }: FileEntry): StoredContent | undefined {
    const held = digest === undefined ? undefined : this.#store.hold(digest);
    if (held?.size === size) return held;
    held?.release();
    return undefined;
  }

  /** The same where it is one chunk that came in an earlier try. */
  async #finish(
    { digest, size }: FileEntry,
  ): Promise<StoredContent | undefined> {
    if (digest === undefined || size === 0 || size > MAX_CHUNK_BYTES) {
      return undefined;
    }
    const ids = Uint8Array.fromHex(digest);
    const recipe = { size, ids, lengths: Uint32Array.of(size) };
    const writer = await this.#store.writeRecipe(recipe, this.#options.client);
    try {
      if (writer.here[0] !== 1) return undefined;
      writer.copy();
      return writer.finish();
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      return undefined;
    } finally {
      writer.abort();
    }
  }

  #abort(): void {
    this.#current?.abort();
    this.#current = undefined;
  }

  #fail(index: number, code: Problem["code"], message: string): void {
    this.#failed.add(index);
    this.#problems.push({
      path: this.#options.files[index]!.path,
      code,
      message,
    });
  }
}

function tooLarge(size: number, most: number): string {
  return `larger than the hub takes: ${size} bytes, ${most} at the most`;
}
