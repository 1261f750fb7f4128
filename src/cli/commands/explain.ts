/** `lockstep explain`: which rule decides whether a path takes part in a sync. */
import { isAbsolute, join, normalize, relative, resolve } from "@std/path";
import { IgnoreScope } from "../../core/ignore.ts";
import {
  displayPath,
  join as joinName,
  namesOf,
  parseRelPath,
  type RelPath,
  RESERVED_NAME,
  ROOT,
} from "../../core/path.ts";
import { isFileSystemError, messageOf, UsageError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Directory } from "../../fs/file_system.ts";
import { IgnoreReader } from "../../fs/ignore_reader.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { Explanation } from "../explanation.ts";
import { givenRules, ignoreFilesOf } from "./ignore_rules.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function explain(
  options: OptionsOf<"explain">,
  { reporter }: CommandContext,
): Promise<ExitCode> {
  const given = IgnoreScope.given(givenRules(options));
  const reader = new IgnoreReader(given, ignoreFilesOf(options), false);
  const root = await new DenoFileSystem().openRoot(options.from);
  try {
    const path = pathBelow(options.from, options.path);
    const isWritten = /[/\\]$/.test(options.path);
    const explanation = await look(root, path, reader, isWritten);
    reporter.report({ kind: "explained", explanation });
    return EXIT.done;
  } finally {
    root.close();
  }
}

/** @throws {UsageError} If `path` is not below `from`, or can be no path of a tree. */
function pathBelow(from: string, path: string): RelPath {
  const inside = isAbsolute(path) ? normalize(path) : join(from, path);
  const bases = [resolve(from), Deno.realPathSync(from)];
  const found = bases.map((base) => relative(base, resolve(inside)))
    .find((way) => !isAbsolute(way) && !/^\.\.($|[/\\])/.test(way));
  if (found === undefined) {
    throw new UsageError(
      `${displayPath(path)} lies outside --from ${displayPath(from)}`,
    );
  }
  try {
    return parseRelPath(
      Deno.build.os === "windows" ? found.replaceAll("\\", "/") : found,
    );
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

/**
 * Reads the ignore files on the way to `path`, as far as there is one.
 * @param isWritten Whether `path` is a directory if it does not exist.
 */
async function look(
  root: Directory,
  path: RelPath,
  reader: IgnoreReader,
  isWritten: boolean,
): Promise<Explanation> {
  const names = namesOf(path);
  const opened: Directory[] = [];
  let directory: Directory | undefined = root;
  let isDirectory = path === ROOT || isWritten;
  let scope = reader.given;
  let at = ROOT;
  try {
    for (const [i, name] of names.entries()) {
      if (directory === undefined) break;
      const { entries } = await directory.list();
      scope = await reader.enter(directory, at, entries, scope);
      at = joinName(at, name);
      const kind = (await directory.lookup(name))?.kind;
      const isLast = i === names.length - 1;
      if (isLast) {
        if (kind !== undefined) isDirectory = kind === "directory";
        break;
      }
      if (scope.ignores(name, true)) break;
      if (kind === "symlink") {
        throw new UsageError(
          `${displayPath(at)} is a symbolic link: what is behind it is no ` +
            "part of the tree",
        );
      }
      scope = scope.enter(name);
      directory = await openIfDirectory(directory, name);
      if (directory !== undefined) opened.push(directory);
    }
  } finally {
    for (const one of opened) one.close();
  }
  const isOwn = names[0] === RESERVED_NAME;
  const decision = isOwn ? undefined : reader.tree().decide(path, isDirectory);
  return { path, isDirectory, decision };
}

/** What does not exist has no ignore files either. */
async function openIfDirectory(
  parent: Directory,
  name: Parameters<Directory["openDirectory"]>[0],
): Promise<Directory | undefined> {
  try {
    return await parent.openDirectory(name);
  } catch (error) {
    if (isFileSystemError(error, "not-found")) return undefined;
    if (isFileSystemError(error, "not-a-directory")) return undefined;
    throw error;
  }
}
