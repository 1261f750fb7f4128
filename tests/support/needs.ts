/** Tests that say what they need, and why they were skipped. */
import { hasCommand } from "./command.ts";
import { hasExecutable } from "./executable.ts";

/** Something that not every machine has. */
export type Need =
  | "bash"
  | "chattr"
  | "curl"
  | "executable"
  | "fish"
  | "git"
  | "groff"
  | "linux"
  | "mandoc"
  | "mkfifo"
  | "modes"
  | "mount"
  | "npm"
  | "openssl"
  | "overlay"
  | "prlimit"
  | "root"
  | "rsync"
  | "script"
  | "setpriv"
  | "signals"
  | "strace"
  | "symlinks"
  | "systemd-analyze"
  | "user-namespaces"
  | "zsh";

const windows = Deno.build.os === "windows";
const root = !windows && Deno.uid() === 0;

const met: Record<Need, () => boolean> = {
  bash: () => hasCommand("bash"),
  curl: () => hasCommand("curl"),
  chattr: () => root && hasCommand("chattr"),
  executable: hasExecutable,
  fish: () => hasCommand("fish"),
  git: () => hasCommand("git"),
  groff: () => hasCommand("groff"),
  linux: () => Deno.build.os === "linux",
  mandoc: () => hasCommand("mandoc"),
  mkfifo: () => hasCommand("mkfifo"),
  modes: () => !windows,
  mount: () => root && canMount(),
  npm: () => hasCommand("npm"),
  openssl: () => hasCommand("openssl"),
  overlay: () => root && canMount("overlay"),
  prlimit: () => hasCommand("prlimit"),
  root: () => root,
  rsync: () => hasCommand("rsync"),
  script: () => Deno.build.os === "linux" && hasCommand("script"),
  setpriv: () => root && hasCommand("setpriv"),
  signals: () => !windows,
  strace: () => Deno.build.os === "linux" && hasCommand("strace"),
  symlinks: () => !windows,
  "systemd-analyze": () => hasCommand("systemd-analyze"),
  "user-namespaces": canLimitUser,
  zsh: () => hasCommand("zsh"),
};

/** Whether this machine has `need`. */
export function has(need: Need): boolean {
  return met[need]();
}

/**
 * Registers the test `name`. Where something that it needs is missing, it is
 * skipped, and its name says why.
 */
export function test(
  name: string,
  needs: readonly Need[],
  run: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = needs.filter((need) => !has(need));
  if (missing.length === 0) Deno.test(name, run);
  else Deno.test.ignore(`${name} [skipped: no ${missing.join(", ")}]`, run);
}

/** Containers often may not mount, even as root. */
function canMount(type = "tmpfs"): boolean {
  if (Deno.build.os !== "linux" || !hasCommand("unshare")) return false;
  const base = isDirectory("/dev/shm") ? { dir: "/dev/shm" } : {};
  const directory = Deno.makeTempDirSync(base);
  const layers = ["lower", "upper", "work"].map((name) => {
    Deno.mkdirSync(`${directory}/${name}`);
    return `${name}dir=${directory}/${name}`;
  });
  const point = `${directory}/point`;
  Deno.mkdirSync(point);
  const options = type === "overlay" ? layers.join(",") : "rw";
  try {
    const mount = new Deno.Command("mount", {
      args: ["-t", type, "-o", options, "none", point],
      stderr: "null",
    }).outputSync();
    if (!mount.success) return false;
    new Deno.Command("umount", { args: [point] }).outputSync();
    return true;
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Whether limits can be set for processes of ours alone. */
function canLimitUser(): boolean {
  if (Deno.build.os !== "linux" || !hasCommand("unshare")) return false;
  const script = "echo 100 > /proc/sys/user/max_inotify_watches";
  const { success } = new Deno.Command("unshare", {
    args: ["-U", "-r", "sh", "-c", script],
    stderr: "null",
  }).outputSync();
  return success;
}
