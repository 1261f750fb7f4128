/** Which Lockstep this is. */
import manifest from "../../deno.json" with { type: "json" };
import { SUPPORTED_VERSIONS, type VersionRange } from "../protocol/version.ts";
import build from "./build.json" with { type: "json" };

/** The version, as in `deno.json`. */
export const VERSION: string = manifest.version;

/** What peers are told. */
export const SOFTWARE = `lockstep ${VERSION}`;

/** The commit that an executable was made from; "" where it runs from its source. */
const COMMIT: string = build.commit;

/** What `--version` prints. */
export function versionText(): string {
  return COMMIT === "" ? SOFTWARE : `${SOFTWARE} (commit ${COMMIT})`;
}

/** What `--version --json` prints, and `doctor` says of this side. */
export interface VersionFields {
  readonly version: string;
  /** null where it runs from its source. */
  readonly commit: string | null;
  /** The versions of the protocol that it speaks. */
  readonly protocol: VersionRange;
  /** The system and processor that it runs on. */
  readonly target: string;
  readonly deno: string;
  /** Whether it is an executable of its own. */
  readonly standalone: boolean;
}

/** All that is known of this program. */
export function versionFields(): VersionFields {
  return {
    version: VERSION,
    commit: COMMIT === "" ? null : COMMIT,
    protocol: SUPPORTED_VERSIONS,
    target: Deno.build.target,
    deno: Deno.version.deno,
    standalone: Deno.build.standalone,
  };
}
