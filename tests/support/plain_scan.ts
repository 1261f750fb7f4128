/** How most tests scan: all there is, by size and time, with links as they are. */
import type { ScanOptions } from "../../src/core/snapshot.ts";

export const PLAIN_SCAN: ScanOptions = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: { rules: [], files: [] },
};
