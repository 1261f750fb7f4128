/**
 * Content on its way to and from the other end of a session, on the asking side:
 * one exchange each, as a stream.
 */
import type { ContentRequest } from "../content/description.ts";
import type { ContentBatch } from "../core/piece.ts";
import { FrameType } from "../protocol/frame.ts";
import { RequestWriter } from "../protocol/want_codec.ts";
import { CONTENT_FRAMES, readBatch } from "./content_frames.ts";
import { ContentOrder, type ExpectedFile } from "./content_order.ts";
import { type ContentLink, ContentSender } from "./content_sender.ts";
import { cancelOn, type Exchange } from "./exchange.ts";
import { closingOnFault } from "./fault.ts";
import { toWireGaps } from "./recipe_messages.ts";
import type { Session } from "./session.ts";

/**
 * Takes the content that the other side wants. Closing the stream waits until
 * all of it has been written over there; the stream errors when that has failed.
 */
export function sendContent(
  session: Pick<Session, "open" | "close" | keyof ContentLink>,
  signal: AbortSignal | undefined,
): WritableStream<ContentBatch> {
  let opened: { exchange: Exchange; sender: ContentSender } | undefined;
  let release = (): void => {};
  let fail: (error: unknown) => void;
  // Only once there is something to say: ids have to be used in order.
  const open = (): NonNullable<typeof opened> => {
    if (opened !== undefined) return opened;
    const exchange = session.open();
    const { signal: failed } = exchange;
    failed.addEventListener("abort", () => fail(failed.reason));
    release = cancelOn(signal, exchange);
    const sender = new ContentSender(exchange, session);
    return opened = { exchange, sender };
  };
  return new WritableStream<ContentBatch>({
    start(controller): void {
      fail = (error) => controller.error(error);
    },
    write: (batch) => open().sender.send(batch),
    close: () =>
      closingOnFault(session, async () => {
        const { exchange, sender } = open();
        await sender.end();
        const reader = await exchange.receiveOnly(FrameType.stored);
        reader.end("an answer");
        release();
      }),
    abort: (reason): void => {
      opened?.exchange.fail(reason, "cancel");
      release();
    },
  });
}

/** Asks for the content of files, in order, and gives it as it comes. */
export function receiveContent(
  session: Pick<Session, "open" | "close">,
  requests: Iterable<ContentRequest>,
  signal: AbortSignal | undefined,
): ReadableStream<ContentBatch> {
  const exchange = session.open();
  const release = cancelOn(signal, exchange);
  const asked = new AskedFiles();
  const order = new ContentOrder(asked);
  const frames = exchange.frames(...CONTENT_FRAMES);
  const sent = sendRequests(exchange, requests, asked);
  sent.catch((error) => exchange.fail(error, "cancel"));
  return new ReadableStream<ContentBatch>({
    pull: async (controller): Promise<void> => {
      let batch: ContentBatch | undefined;
      try {
        batch = await closingOnFault(session, nextBatch);
      } catch (error) {
        release();
        throw error;
      }
      if (batch !== undefined) return controller.enqueue(batch);
      release();
      controller.close();
    },
    cancel(reason): void {
      exchange.fail(reason, "cancel");
      release();
    },
  }, { highWaterMark: 0 });

  async function nextBatch(): Promise<ContentBatch | undefined> {
    const { value: frame } = await frames.next();
    const batch = frame && readBatch(frame, order);
    if (batch !== undefined) return batch;
    await sent;
    order.finish();
    return undefined;
  }
}

async function sendRequests(
  exchange: Exchange,
  requests: Iterable<ContentRequest>,
  asked: AskedFiles,
): Promise<void> {
  const { page } = exchange;
  const writer = new RequestWriter();
  for (const request of requests) {
    const { index, path, entry, resume, gaps } = request;
    const { size } = entry;
    asked.push({ index, size, resume, gaps });
    const wire = { index, path, entry, resume };
    const lines = gaps === undefined
      ? writer.write(page, wire)
      : writer.write(page, { ...wire, gaps: toWireGaps(gaps) });
    for (const _ of lines) {
      await exchange.send(FrameType.supply, { end: false });
    }
  }
  await exchange.send(FrameType.supply, { end: true });
}

/** Files that were asked for and have not come yet, in order. */
class AskedFiles implements Iterator<ExpectedFile> {
  #files: ExpectedFile[] = [];
  #head = 0;

  push(file: ExpectedFile): void {
    this.#files.push(file);
  }

  next(): IteratorResult<ExpectedFile> {
    const value = this.#files[this.#head];
    if (value === undefined) return { done: true, value };
    this.#head++;
    // What has come is forgotten now and then, not file by file.
    if (this.#head > 1024 && this.#head * 2 > this.#files.length) {
      this.#files = this.#files.slice(this.#head);
      this.#head = 0;
    }
    return { done: false, value };
  }
}
