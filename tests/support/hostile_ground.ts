/** A target that somebody attacks, and what must not change by it. */
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import type { Transport } from "../../src/net/transport.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { Receiver, type ReceiverEvent } from "../../src/session/receiver.ts";
import { type DiskLiteral, link, writeTree } from "./disk_tree.ts";
import { FakeClock } from "./fake_clock.ts";
import { HostileSender } from "./hostile_peer.ts";
import { Canary, type EntryState, listTree } from "./oracle.ts";
import { TempDir } from "./temp.ts";

/** A target with a tree outside that links in it lead to; its owner disposes of it. */
export class Ground implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly canary = new Canary(this.temp.at("outside"));
  readonly target: string = this.temp.directory("target");
  readonly #before: string;

  /** @param literal What the target holds besides the links. */
  constructor(literal: DiskLiteral) {
    writeTree(this.target, literal);
    writeTree(this.target, { link: link("../outside"), inside: link("dir") });
    this.#before = describe(this.target);
  }

  /**
   * Fails if anything in the tree or outside is not what it was. What was received
   * and not put in place does not count; the next run takes it over or removes it.
   */
  assertUnchanged(): void {
    this.canary.assertAlive();
    const now = describe(this.target);
    if (now === this.#before) return;
    throw new Error(`The target was:\n${this.#before}\nand is:\n${now}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }
}

/** One line for each entry, by which every write to it shows. */
function describe(root: string): string {
  const lines: string[] = [];
  for (const [path, state] of listTree(root)) {
    if (path === ".lockstep" || path.startsWith(".lockstep/")) continue;
    // The root's own times move with what is received in it.
    const told: Partial<EntryState> = path === ""
      ? { mode: state.mode, inode: state.inode }
      : state;
    lines.push(`${JSON.stringify(path)} ${JSON.stringify(told)}`);
  }
  return lines.sort().join("\n");
}

/** A receiver in this process, over a real directory. */
export class MemoryReceiver {
  readonly clock = new FakeClock();
  readonly events: ReceiverEvent[] = [];
  readonly #receiver: Receiver;
  readonly #accepted: Promise<void>[] = [];

  constructor(target: string) {
    const fileSystem = new DenoFileSystem();
    this.#receiver = new Receiver({
      open: () => LocalEndpoint.open(fileSystem, target, { create: true }),
      software: "receiver/1",
      clientId: "f".repeat(32),
      clock: this.clock,
      onEvent: (event) => void this.events.push(event),
    });
  }

  /** Connects, and shakes hands. */
  async connect(hello?: Uint8Array): Promise<HostileSender> {
    const [near, far] = memoryTransports();
    this.#accepted.push(this.#receiver.accept(far));
    return await HostileSender.over(near, hello);
  }

  /** Connects, and says nothing. */
  connectSilently(): Transport {
    const [near, far] = memoryTransports();
    this.#accepted.push(this.#receiver.accept(far));
    return near;
  }

  /** Resolves when nobody is connected any more. */
  async over(): Promise<void> {
    await Promise.all(this.#accepted);
  }
}
