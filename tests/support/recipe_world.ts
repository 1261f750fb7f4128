/** Two trees in memory with a connection in memory between them, which counts. */
import type { FileSystem } from "../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { PlainTree } from "../../src/fs/memory_tree.ts";
import type { RecipeStore } from "../../src/fs/recipe_store.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../src/net/memory_transport.ts";
import type { MirrorSummary } from "../../src/session/events.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../src/session/mirror.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import { FakeClock } from "./fake_clock.ts";
import type { Random } from "./random.ts";
import { DONE } from "./served_endpoint.ts";
import { party } from "./session_pair.ts";

/** What one run came to. */
export interface WorldRun {
  readonly summary: MirrorSummary;
  /** Bytes on the wire, from the source and to it. */
  readonly sent: number;
  readonly received: number;
}

/** How a run differs from an ordinary one. */
export interface WorldOptions {
  /** Whether the source is the far side, which is asked for content. */
  readonly pull?: boolean;
  readonly faults?: MemoryTransportOptions;
  /** False for a side that knows nothing of recipes. */
  readonly sourceRecipes?: boolean;
  readonly targetRecipes?: boolean;
  readonly sourceStore?: RecipeStore;
  readonly targetStore?: RecipeStore;
  /** What stands before the file system of the target. */
  readonly wrap?: (fileSystem: FileSystem) => FileSystem;
  readonly wrapSource?: (fileSystem: FileSystem) => FileSystem;
  readonly mirror?: Partial<MirrorOptions>;
}

const OPTIONS: MirrorOptions = {
  checksum: false,
  symlinks: "copy",
  deletes: true,
  clock: new FakeClock(),
};

/** A source and a target. */
export class RecipeWorld {
  readonly source: MemoryFileSystem;
  readonly target: MemoryFileSystem;

  constructor(source: PlainTree, target: PlainTree) {
    // Or files of one size would be taken for equal.
    let time = 1_700_000_000_000;
    this.source = MemoryFileSystem.from(source, { now: () => time++ });
    this.target = MemoryFileSystem.from(target);
  }

  /** Makes the target equal to the source, through a session. */
  async run(options: WorldOptions = {}): Promise<WorldRun> {
    const { sourceStore, targetStore, pull = false } = options;
    const [near, far] = memoryTransports(options.faults);
    const clock = new FakeClock();
    const of = (isSource: boolean): boolean =>
      (isSource ? options.sourceRecipes : options.targetRecipes) ?? true;
    const [client, server] = await Promise.all([
      openSession(near, party(1), { clock, recipes: of(!pull) }),
      awaitHello(far, { clock, recipes: of(pull) })
        .then((pending) => pending.accept(party(2))),
    ]);
    const same = (fileSystem: FileSystem): FileSystem => fileSystem;
    const { wrap = same, wrapSource = same } = options;
    const source = await LocalEndpoint.open(
      wrapSource(this.source),
      "/",
      sourceStore && { recipes: sourceStore },
    );
    const target = await LocalEndpoint.open(wrap(this.target), "/", {
      create: true,
      ...(targetStore && { recipes: targetStore }),
    });
    const [here, there] = pull ? [target, source] : [source, target];
    const served = serveEndpoint(server, there, {
      role: pull ? "source" : "target",
    }).catch((error) => error as Error);
    const remote = new RemoteEndpoint(client);
    const clockOptions = { ...OPTIONS, clock: IMPATIENT, ...options.mirror };
    try {
      const summary = pull
        ? await mirror(remote, here, clockOptions)
        : await mirror(here, remote, clockOptions);
      await remote.close(DONE);
      await here.close(DONE);
      const { sent, received } = client.counts;
      return pull
        ? { summary, sent: received, received: sent }
        : { summary, sent, received };
    } catch (error) {
      await here.close({ kind: "failed", message: "" });
      client.close(error as Error);
      throw error;
    } finally {
      await served;
    }
  }
}

/** A clock on which nobody has to wait. */
const IMPATIENT = {
  now: () => 0,
  after(_: number, act: () => void): () => void {
    queueMicrotask(act);
    return () => {};
  },
};

/** One edit of a file: what it makes of it, and how many bytes of that are new. */
export interface Edit {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly fresh: number;
}

/** `bytes` after an edit by chance. */
export function edited(bytes: Uint8Array, random: Random): Edit {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + random.between(1, 200_000));
  const fresh = random.bytes(random.pick([1, 64, 5_000, 100_000]));
  const cut = (from: number, to = bytes.length): Uint8Array =>
    bytes.subarray(from, to);
  const of = (
    name: string,
    fresh: number,
    ...parts: Uint8Array[]
  ): Edit => ({ name, bytes: concat(parts), fresh });
  switch (random.below(8)) {
    case 0:
      return of("insert", fresh.length, cut(0, at), fresh, cut(at));
    case 1:
      return of("delete", 0, cut(0, at), cut(end));
    case 2: {
      const copy = bytes.slice();
      copy.set(fresh.subarray(0, bytes.length - at), at);
      return of("overwrite", fresh.length, copy);
    }
    case 3:
      return of("shuffle", 0, cut(at), cut(0, at));
    case 4:
      return of("truncate", 0, cut(0, Math.max(at, 1)));
    case 5:
      return of("prepend", fresh.length, fresh, cut(0));
    case 6:
      return of("append", fresh.length, cut(0), fresh);
    default:
      return of("zero", 0, cut(0, at), new Uint8Array(end - at), cut(end));
  }
}

/** All of `parts`, one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
