/** Whether open files can be reached by their numbers, through `/proc/self/fd`. */
import { closeSync, constants, openSync } from "node:fs";

let known: boolean | undefined;

/**
 * Whether `/proc/self/fd/N` leads to the file that `openSync` gave the number N.
 * That is so on Linux with `/proc`, in Deno from 2.9 on; before, `openSync` gave
 * numbers of Deno's own, which lead to other files, or to none.
 */
export function canReachByHandle(): boolean {
  known ??= Deno.build.os === "linux" &&
    // One may be right by chance.
    ["/", "/proc", "/proc/self"].every(leadsTo);
  return known;
}

function leadsTo(path: string): boolean {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const found = Deno.statSync(`/proc/self/fd/${fd}/.`);
      const wanted = Deno.statSync(path);
      return found.ino === wanted.ino && found.dev === wanted.dev;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
