/**
 * Text as bytes: a string of which each unit is one byte, 0 to 255, of the UTF-8
 * of a name or a pattern. Ignore rules match bytes, as git does; plain ASCII, as
 * most names are, is its own byte text.
 */
import { Buffer } from "node:buffer";

/** A string whose units are bytes. */
export type ByteText = string;

const NOT_ASCII = /[^\0-\x7f]/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The UTF-8 of `text`. */
export function toByteText(text: string): ByteText {
  return NOT_ASCII.test(text) ? byteTextOf(encoder.encode(text)) : text;
}

/** `bytes`, whatever they are. */
export function byteTextOf(bytes: Uint8Array): ByteText {
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

/** `text` for people; what is not UTF-8 becomes U+FFFD. */
export function fromByteText(text: ByteText): string {
  return NOT_ASCII.test(text)
    ? decoder.decode(Uint8Array.from(text, (byte) => byte.charCodeAt(0)))
    : text;
}
