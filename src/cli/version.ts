/** Which Lockstep this is. */
import manifest from "../../deno.json" with { type: "json" };

/** The version, as in `deno.json`. */
export const VERSION: string = manifest.version;

/** What peers are told. */
export const SOFTWARE = `lockstep ${VERSION}`;
