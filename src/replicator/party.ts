/** How this program introduces itself. */
import manifest from "../../deno.json" with { type: "json" };
import type { FileSystemTraits } from "../fs/file_system.ts";
import { capabilitiesFor } from "../session/capabilities.ts";
import type { Party } from "../session/handshake.ts";

/**
 * What this side can do beyond the first version of the protocol. Packed content
 * is not among it: carriers of requests have compression of their own.
 */
export const CAPABILITIES: readonly string[] = capabilitiesFor({
  compress: "off",
  recipes: false,
});

/** Somebody with a file system of these `traits`, told from all others by `id`. */
export function partyOf(traits: FileSystemTraits, id = newId()): Party {
  return { software: `lockstep ${manifest.version}`, clientId: id, traits };
}

/** 32 hexadecimal digits that nobody else has drawn. */
export function newId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
