/**
 * Where directories really lie on Linux: `/proc/self/mountinfo` tells which part
 * of which file system is seen at which path, so that one directory is known
 * under all its names, also where it is mounted twice (`mount --bind`). Pure.
 */

/** One line of `/proc/self/mountinfo`, see proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  /** The mount that this one lies on. */
  readonly parent: number;
  /** "major:minor" of the file system. */
  readonly device: string;
  /** The directory of that file system that is mounted. */
  readonly root: string;
  /** Where it is seen. */
  readonly point: string;
}

/** A directory, with all below it, by its place in its file system. */
export interface Region {
  readonly device: string;
  readonly path: string;
}

/** Reads the text of `/proc/self/mountinfo`; lines that make no sense are left out. */
export function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [id, parent, device, root, point] = line.split(" ");
    if (point === undefined || !/^\d+:\d+$/.test(device!)) continue;
    mounts.push({
      id: Number(id),
      parent: Number(parent),
      device: device!,
      root: unescape(root!),
      point: unescape(point),
    });
  }
  return mounts;
}

/**
 * The parts of file systems that are seen at and below `path`, which is absolute
 * and free of links: its own, and those of mounts of the same file system below
 * it. Other file systems are not entered by a scan, and are left out.
 */
export function regionsOf(mounts: readonly Mount[], path: string): Region[] {
  const own = regionAt(mounts, path);
  if (own === undefined) return [];
  const below = mounts.filter((mount) =>
    mount.device === own.device && mount.point !== path &&
    isPathWithin(mount.point, path) && mountAt(mounts, mount.point) === mount
  );
  return [own, ...below.map(({ device, root }) => ({ device, path: root }))];
}

/** Whether one of the two lies in the other, or they are the same. */
export function regionsMeet(a: Region, b: Region): boolean {
  return a.device === b.device &&
    (isPathWithin(a.path, b.path) || isPathWithin(b.path, a.path));
}

/** What is seen at `path`, by its place in its file system. */
export function regionAt(
  mounts: readonly Mount[],
  path: string,
): Region | undefined {
  const mount = mountAt(mounts, path);
  if (mount === undefined) return undefined;
  const { device, root, point } = mount;
  const rest = path.slice(point === "/" ? 0 : point.length);
  const joined = `${root === "/" ? "" : root}${rest === "/" ? "" : rest}`;
  return { device, path: joined === "" ? "/" : joined };
}

/**
 * The mount on which `path` lies. As the kernel does, it goes down from the root:
 * of the mounts on the one it is at, the way crosses the one with the shortest
 * path; what that hides does not count.
 */
function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  let at = mounts.findLast(({ point, parent, id }) =>
    point === "/" && (parent === id || !ids.has(parent))
  );
  for (let steps = 0; at !== undefined && steps < mounts.length; steps++) {
    const current: Mount = at;
    const next = mounts.filter((mount) =>
      mount.parent === current.id && mount !== current &&
      isPathWithin(path, mount.point)
    ).reduce<Mount | undefined>(
      (best, mount) =>
        best === undefined || mount.point.length <= best.point.length
          ? mount
          : best,
      undefined,
    );
    if (next === undefined) return current;
    at = next;
  }
  return at;
}

/** Whether the absolute path `path` is `directory` or lies below it, by its text. */
export function isPathWithin(path: string, directory: string): boolean {
  if (directory === "/" || path === directory) return true;
  return path.startsWith(directory) && path[directory.length] === "/";
}

/** Blanks, line breaks and backslashes stand there as "\040". */
function unescape(field: string): string {
  return field.replaceAll(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}
