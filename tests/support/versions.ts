/** Two versions of a small tree on the disk, and whether a third is torn between them. */
import { join } from "@std/path";
import { type DiskLiteral, link, writeTree } from "./disk_tree.ts";
import { listTree } from "./oracle.ts";

/** A part of files that come, go and change, in one of two versions. */
function mixed(version: "old" | "new"): Record<string, DiskLiteral> {
  const isNew = version === "new";
  const text = isNew ? "the new content" : "old";
  return {
    replaced: text,
    [isNew ? "created" : "deleted"]: text,
    [isNew ? "in" : "out"]: { deep: { file: text, link: link("file") } },
    "file or directory": isNew ? { a: text, b: { c: text } } : text,
    "directory or file": isNew ? text : { a: text, b: { c: text } },
    "file or link": isNew ? link("replaced") : text,
    "link or file": isNew ? text : link("replaced"),
  };
}

/** What {@link writeVersion} makes. Files of 1.5 MB are staged in parts. */
export function writeVersion(root: string, version: "old" | "new"): void {
  writeTree(root, {
    ...mixed(version),
    inner: mixed(version),
    same: "same",
    // Not of one size: both may be made within the same millisecond.
    large: version[0]!.repeat(version === "new" ? 1_500_000 : 1_400_000),
  });
}

/**
 * The paths at which `root` has what neither version has, or nothing though both
 * versions have a file there.
 */
export function tornPaths(
  root: string,
  versions: readonly [old: string, wanted: string],
): string[] {
  const found = contentsOf(root);
  const [old, wanted] = versions.map(contentsOf);
  const paths = new Set([...found, ...old!, ...wanted!].map(([path]) => path));
  return [...paths].filter((path) => {
    const is = found.get(path);
    const both = [old!.get(path), wanted!.get(path)];
    return is === undefined
      ? both.every((content) => content?.startsWith("file"))
      : !both.includes(is);
  });
}

/** A line for each entry that is not Lockstep's own. */
function contentsOf(root: string): Map<string, string> {
  const contents = new Map<string, string>();
  for (const [path, { kind, target }] of listTree(root)) {
    if (path === "" || path.startsWith(".lockstep")) continue;
    const text = kind === "file" ? Deno.readTextFileSync(join(root, path)) : "";
    contents.set(path, `${kind} ${target ?? text}`);
  }
  return contents;
}
