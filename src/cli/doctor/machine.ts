/** Looks at this machine. */
import { DatabaseSync } from "node:sqlite";
import { displayPath } from "../../core/path.ts";
import { messageOf } from "../../errors.ts";
import type { Finding } from "../finding.ts";
import {
  prepareStateDirectory,
  usualStateDirectory,
} from "../state/state_directory.ts";
import { versionFields, versionText } from "../version.ts";
import { judgeClock, judgeOpenFiles, judgeWatches } from "./judge.ts";

/** The oldest Deno that is good for all commands. */
const OLDEST_DENO = [2, 9] as const;

/** All findings about this machine; `stateDir` is that of an option. */
export async function examineMachine(
  stateDir: string | undefined,
): Promise<Finding[]> {
  return [
    examineVersion(),
    ...(Deno.build.os === "linux" ? [examineWatches()] : []),
    ...(Deno.build.os === "windows" ? [] : [await examineOpenFiles()]),
    judgeClock(Date.now()),
    examineState(stateDir ?? usualStateDirectory()),
  ].filter((finding) => finding !== undefined);
}

function examineVersion(): Finding {
  const fields = versionFields();
  const sqlite = sqliteVersion();
  const base = {
    check: "version",
    message: `${versionText()} for ${fields.target}, Deno ${fields.deno}, ` +
      `SQLite ${sqlite}`,
    facts: { ...fields, sqlite },
  };
  const [major = 0, minor = 0] = fields.deno.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_DENO;
  const isOld = major < oldestMajor ||
    (major === oldestMajor && minor < oldestMinor);
  if (!isOld) return { ...base, state: "good" };
  const advice = `Deno ${
    OLDEST_DENO.join(".")
  } is needed for serve and --watch`;
  return { ...base, state: "poor", advice };
}

function sqliteVersion(): string {
  const database = new DatabaseSync(":memory:");
  try {
    const row = database.prepare("SELECT sqlite_version() AS version").get();
    return String(row?.version);
  } finally {
    database.close();
  }
}

/** Undefined where the kernel does not tell. */
function examineWatches(): Finding | undefined {
  const [watches, instances, queued] = [
    "max_user_watches",
    "max_user_instances",
    "max_queued_events",
  ].map((name) => numberIn(`/proc/sys/fs/inotify/${name}`));
  if (watches === undefined || instances === undefined) return undefined;
  return judgeWatches({ watches, instances, queued: queued ?? 0 });
}

function numberIn(path: string): number | undefined {
  try {
    const text = Deno.readTextFileSync(path).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where there is no shell to ask: Deno tells no limits. */
async function examineOpenFiles(): Promise<Finding | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("sh", {
      args: ["-c", "ulimit -Hn"],
      stdin: "null",
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout).trim();
    if (!success || !/^(\d+|unlimited)$/.test(text)) return undefined;
    return judgeOpenFiles(text === "unlimited" ? Infinity : Number(text));
  } catch {
    return undefined;
  }
}

function examineState(path: string | undefined): Finding {
  const check = "state-directory";
  if (path === undefined) {
    return {
      check,
      state: "bad",
      message: "there is no place to remember runs: HOME is not set",
      advice: "Name one with --state-dir, or do without with --no-state",
    };
  }
  const facts = { path };
  const shown = displayPath(path);
  let mode: number | null;
  try {
    ({ mode } = Deno.statSync(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      return { check, state: "bad", message: messageOf(error), facts };
    }
    const message = `${shown} is not there yet; the first sync makes it`;
    return { check, state: "good", message, facts };
  }
  try {
    prepareStateDirectory(path);
  } catch (error) {
    return { check, state: "bad", message: messageOf(error), facts };
  }
  if (Deno.build.os !== "windows" && ((mode ?? 0) & 0o077) !== 0) {
    return {
      check,
      state: "poor",
      message: `other users can look into ${shown}`,
      advice: `What was synced is named in there: chmod 700 ${shown}`,
      facts,
    };
  }
  return { check, state: "good", message: `${shown} can be written to`, facts };
}
