/** What a peer was shown of a tree by its last scan, or knows of since then. */
import type { DirectoryEntry } from "../core/entry.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";

/** The tree that the questions of one peer are about. */
export class ShownTree {
  #snapshot: Snapshot | undefined;
  #modes = true;
  /** The directories that the peer was told about last, and may ask for. */
  announced: readonly DirectoryEntry[] = [];

  /** The peer has heard of `snapshot`. */
  show(snapshot: Snapshot, modes: boolean): void {
    this.#snapshot = snapshot;
    this.#modes = modes;
    this.announced = [snapshot.root];
  }

  /** Whether mode bits count, as the last scan had it. */
  get modes(): boolean {
    return this.#modes;
  }

  /** @throws {ProtocolError} If nobody knows what there is: the peer has to scan. */
  get snapshot(): Snapshot {
    this.requireScan();
    return this.#snapshot!;
  }

  /** @throws {ProtocolError} If there is no {@link snapshot}. */
  requireScan(): void {
    if (this.#snapshot !== undefined) return;
    throw new ProtocolError("The peer asked for something before a scan");
  }

  /** What there is may be changed now: until a {@link become}, nobody knows it. */
  forget(): void {
    this.#snapshot = undefined;
  }

  /** What the peer was shown is `snapshot` by now, and the peer knows. */
  become(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }
}
