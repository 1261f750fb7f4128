/** Messages as they are on the wire, made by hand. */
import {
  type Frame,
  putFrameHeader,
  sealMessage,
} from "../../src/protocol/frame.ts";
import {
  MESSAGE_HEADER_BYTES,
  PAGE_HEADER_BYTES,
} from "../../src/protocol/limits.ts";

/** A message with these frames and a right checksum. */
export function encodeMessage(...frames: Frame[]): Uint8Array<ArrayBuffer> {
  const pages = frames.map((frame) => {
    const page = new Uint8Array(PAGE_HEADER_BYTES + frame.payload.length);
    page.set(frame.payload, PAGE_HEADER_BYTES);
    putFrameHeader(page, frame);
    return page.subarray(MESSAGE_HEADER_BYTES);
  });
  return sealed(joined(new Uint8Array(MESSAGE_HEADER_BYTES), ...pages));
}

/** `message` with the checksum that it has to have, whatever is wrong with it. */
export function sealed<T extends Uint8Array>(message: T): T {
  sealMessage(message);
  return message;
}

/** All bytes of `parts`, in order. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
