/**
 * Content on its way out of an exchange: batches to frames, packed where the
 * session's policy says so. The larger what is packed at once, the smaller it
 * gets: so batches are gathered, as many as will fit a frame once they are packed.
 */
import type { ContentBatch, Piece } from "../core/piece.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_PIECES } from "../core/piece.ts";
import type { Clock } from "../core/clock.ts";
import { nextTurn } from "../core/turn.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import { writePieces } from "../protocol/content_codec.ts";
import { FrameType } from "../protocol/frame.ts";
import {
  MAX_PAYLOAD_BYTES,
  MAX_UNPACKED_BYTES,
  PAGE_HEADER_BYTES,
} from "../protocol/limits.ts";
import { writePacked } from "../protocol/packed_codec.ts";
import type { CompressionPolicy } from "./compression_policy.ts";
import { partsOf } from "./content_parts.ts";
import type { Exchange } from "./exchange.ts";

/** How far a packed frame is filled, by the ratio of the one before. */
const FILL = 0.85;

/** Most bytes of pieces beside their content, reckoned for each of them. */
const PIECE_BYTES = 8;

/**
 * A frame up to this size waits for one turn of the event loop, so that the end
 * can go with it: two small messages in a row would wait for each other on the way
 * (the second until the first is acknowledged, and that is put off for 40 ms).
 */
const HELD_BYTES = 4 * 1024;

/** How a session packs content. */
export interface Compression {
  readonly policy: CompressionPolicy;
  readonly clock: Clock;
}

/** What of a session decides how content is sent. */
export interface ContentLink {
  /** Undefined where the peer does not unpack. */
  readonly compression: Compression | undefined;
  /** Most bytes that a frame of content shall have. */
  readonly contentFrameBytes: number;
}

/** Sends the content of one exchange; whoever uses it says {@link end}. */
export class ContentSender {
  readonly #exchange: Exchange;
  readonly #compression: Compression | undefined;
  readonly #frameBytes: number;
  /** Payload to be packed. */
  readonly #plain = new ByteWriter();
  /** Batches that wait for others, their pieces and bytes. */
  #gathered: ContentBatch[] = [];
  #pieces = 0;
  #bytes = 0;
  /** What the last packed frame made of each byte. */
  #ratio = 1;
  /** The type of the frame that stands in the page of the exchange and waits. */
  #held: FrameType | undefined;
  /** That frame on its way, after its turn has passed. */
  #leaving: Promise<void> | undefined;

  constructor(exchange: Exchange, link: ContentLink) {
    this.#exchange = exchange;
    exchange.beforeFailing = (): void => void this.#clear().catch(() => {});
    this.#compression = link.compression;
    this.#frameBytes = link.contentFrameBytes;
  }

  /** Sends `batch`, at once or with those to come. */
  send(batch: ContentBatch): Promise<void> {
    return this.#frameBytes < MAX_BATCH_BYTES
      ? this.#sendInParts(batch)
      : this.#send(batch);
  }

  /** A link that is held to little gets small parts, none of which waits for others. */
  async #sendInParts(batch: ContentBatch): Promise<void> {
    const partBytes = (): number =>
      this.#level() === undefined ? this.#frameBytes : this.#capacity;
    for (const part of partsOf(batch, partBytes)) {
      await this.#send(part);
      await this.#flush();
    }
    batch.release?.();
  }

  async #send(batch: ContentBatch): Promise<void> {
    const bytes = batch.byteLength + PIECE_BYTES * batch.pieces.length;
    const level = this.#level();
    const isFull = this.#bytes + bytes > this.#capacity ||
      this.#pieces + batch.pieces.length > MAX_BATCH_PIECES;
    if (level === undefined || isFull) await this.#flush();
    if (level === undefined) {
      await this.#sendPlain(batch.pieces);
      batch.release?.();
      return;
    }
    this.#gathered.push(batch);
    this.#pieces += batch.pieces.length;
    this.#bytes += bytes;
    // Who sends but a little at a time has no more of it just now.
    const isTrickle = batch.byteLength < MAX_BATCH_BYTES / 2;
    const isNextTooMuch = this.#bytes + MAX_BATCH_BYTES > this.#capacity;
    if (isTrickle || isNextTooMuch) await this.#flush();
  }

  /** Says that all content was sent. */
  async end(): Promise<void> {
    await this.#flush();
    const type = this.#held ?? FrameType.content;
    this.#held = undefined;
    await this.#leaving;
    await this.#exchange.send(type, { end: true });
  }

  /** Sends the frame that was written into the page, now or a little later. */
  async #put(type: FrameType): Promise<void> {
    if (this.#exchange.page.length > HELD_BYTES) {
      return await this.#exchange.send(type, { end: false });
    }
    this.#held = type;
    void nextTurn().then(() => {
      if (this.#held === undefined) return;
      this.#leaving = this.#clear();
      // Whoever uses the page next hears of it.
      this.#leaving.catch(() => {});
    });
  }

  /** Makes the page free to be written into. */
  async #clear(): Promise<void> {
    const type = this.#held;
    if (type === undefined) return await this.#leaving;
    this.#held = undefined;
    await this.#exchange.send(type, { end: false });
  }

  get #capacity(): number {
    return Math.min(MAX_UNPACKED_BYTES, FILL * this.#frameBytes / this.#ratio);
  }

  #level(): number | undefined {
    return this.#compression?.policy.level(this.#compression.clock.now());
  }

  async #flush(): Promise<void> {
    const batches = this.#gathered;
    if (batches.length === 0) return;
    this.#gathered = [];
    this.#pieces = this.#bytes = 0;
    await this.#sendPacked(batches);
    for (const batch of batches) batch.release?.();
  }

  /** Sends `batches` in one packed frame; where that is no good, otherwise. */
  async #sendPacked(batches: readonly ContentBatch[]): Promise<void> {
    const pieces = batches.flatMap((batch) => batch.pieces);
    await this.#clear();
    if (this.#pack(pieces)) return await this.#put(FrameType.packed);
    if (batches.length === 1) return await this.#sendPlain(pieces);
    for (const batch of batches) await this.#sendPacked([batch]);
  }

  /** Packs `pieces` into the page of the exchange; false if they do not fit, or shrink. */
  #pack(pieces: readonly Piece[]): boolean {
    const { page } = this.#exchange;
    const plain = this.#plain;
    const { policy, clock } = this.#compression!;
    const start = clock.now();
    const level = policy.level(start);
    if (level === undefined) return false;
    plain.reset();
    if (
      writePieces(plain, pieces, 0, MAX_UNPACKED_BYTES) < pieces.length
    ) return false;
    const { bytes } = plain;
    writePacked(page, bytes, level);
    const packedBytes = page.length - PAGE_HEADER_BYTES;
    const now = clock.now();
    policy.packed(
      { plainBytes: bytes.length, packedBytes, ms: now - start },
      now,
    );
    this.#ratio = packedBytes / bytes.length;
    if (packedBytes < bytes.length && packedBytes <= MAX_PAYLOAD_BYTES) {
      return true;
    }
    page.reset(PAGE_HEADER_BYTES);
    return false;
  }

  async #sendPlain(pieces: readonly Piece[]): Promise<void> {
    for (let at = 0; at < pieces.length;) {
      await this.#clear();
      at = writePieces(this.#exchange.page, pieces, at);
      await this.#put(FrameType.content);
    }
  }
}
