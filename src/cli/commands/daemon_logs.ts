/** `lockstep daemon logs`: reads the log files, whether a daemon runs or not. */
import { quote } from "../../core/path.ts";
import { sleep } from "../../core/sleep.ts";
import { SyncError, UsageError } from "../../errors.ts";
import { daemonLogOf, workspaceLogOf } from "../../daemon/control_address.ts";
import { isName } from "../../daemon/workspace_config.ts";
import { fileSystemError, isNotFound } from "../../fs/deno_errors.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { daemonPlaces } from "../state/daemon_places.ts";
import type { CommandContext } from "./context.ts";

const LOOK_EVERY_MS = 200;

/** A part of a log, and where it goes on. */
interface Part {
  readonly lines: readonly string[];
  /** Of the file, so that another one at its path shows. */
  readonly inode: number | null;
  /** In bytes: behind the last whole line. */
  readonly end: number;
}

/** Runs the command. @throws {SyncError} If there is no such log. */
export async function daemonLogs(
  { workspace, follow, lines }: OptionsOf<"daemon logs">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  if (workspace !== undefined && !isName(workspace)) {
    throw new UsageError(`${quote(workspace)} is no name of a workspace`);
  }
  const places = daemonPlaces();
  const path = workspace === undefined
    ? daemonLogOf(places)
    : workspaceLogOf(places, workspace);
  const tell = (line: string): void =>
    reporter.report({ kind: "daemon", event: { kind: "log", line } });
  let part = readFrom(path, undefined);
  if (part === undefined && !follow) {
    throw new SyncError(
      "not-found",
      workspace === undefined
        ? "No daemon has logged anything yet"
        : `There is no log of a workspace ${quote(workspace)}`,
    );
  }
  const older = readFrom(`${path}.1`, undefined)?.lines ?? [];
  const all = [...older, ...part?.lines ?? []];
  for (const line of lines === 0 ? [] : all.slice(-lines)) tell(line);
  while (follow) {
    await sleep(LOOK_EVERY_MS, systemClock, signal);
    if (signal.aborted) break;
    const before = part;
    part = readFrom(path, before) ?? before;
    if (before !== undefined && part?.inode !== before.inode) {
      // It was put aside: what came before that is there now.
      for (const line of readFrom(`${path}.1`, before)?.lines ?? []) tell(line);
    }
    if (part !== before) { for (const line of part?.lines ?? []) tell(line); }
  }
  return EXIT.done;
}

/** The whole lines at `path` behind `before`; undefined where there is no file. */
function readFrom(path: string, before: Part | undefined): Part | undefined {
  let bytes: Uint8Array;
  let inode: number | null;
  try {
    using file = Deno.openSync(path);
    const stat = file.statSync();
    inode = stat.ino;
    const start = before?.inode === inode ? before.end : 0;
    file.seekSync(start, Deno.SeekMode.Start);
    bytes = new Uint8Array(Math.max(0, stat.size - start));
    let length = 0;
    for (let count: number | null = 1; count; length += count ?? 0) {
      count = file.readSync(bytes.subarray(length));
    }
    const last = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
    const text = new TextDecoder().decode(bytes.subarray(0, last));
    const lines = text === "" ? [] : text.slice(0, -1).split("\n");
    return { lines, inode, end: start + last };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw fileSystemError(error, "read the log", path);
  }
}
