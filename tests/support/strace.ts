/** Watching what a process does to the file system (Linux, strace). */

/** System calls that wait for the disk. */
const FLUSHES = ["fsync", "fdatasync", "syncfs"];

/** System calls that change something, whatever their arguments are. */
const CHANGES = [
  ...["creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "mknod"],
  ...["mknodat", "rename", "renameat", "renameat2", "link", "linkat"],
  ...["symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2"],
  ...["chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat"],
  ...["utimensat", "truncate", "ftruncate", "fallocate", "setxattr"],
  ...["fsetxattr", "removexattr"],
];

/** An open that can change something. */
const WRITING = /O_(CREAT|TRUNC|WRONLY|RDWR)/;

/** The words to put before a program, so that its calls are written to `log`. */
export function underStrace(log: string): string[] {
  const calls = [
    ...["%file", "fchmod", "fchown", "ftruncate", "fallocate"],
    ...FLUSHES,
  ];
  return ["strace", "-f", "-y", "-e", `trace=${calls.join(",")}`, "-o", log];
}

/**
 * The calls in `log` that change something in `directory`, or something that is
 * reached through an open directory; Deno's own caches do not count.
 */
export function changesIn(log: string, directory: string): string[] {
  return Deno.readTextFileSync(log).split("\n").filter((line) => {
    if (!line.includes(directory) && !line.includes("/proc/self/fd/")) {
      return false;
    }
    const call = /^\d+ +(\w+)\(/.exec(line)?.[1];
    if (call === undefined) return false;
    const opens = call === "open" || call === "openat" || call === "openat2";
    return opens ? WRITING.test(line) : CHANGES.includes(call);
  });
}

/** One system call, as strace writes it: `name(arguments) = result`. */
export interface SystemCall {
  readonly name: string;
  readonly text: string;
}

/** All calls in `log`, in the order in which they ended. */
export function callsIn(log: string): SystemCall[] {
  const begun = new Map<string, string>();
  const calls: SystemCall[] = [];
  for (const line of Deno.readTextFileSync(log).split("\n")) {
    const [, thread, said] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || said === undefined) continue;
    const [, before] = /^(.*) <unfinished \.\.\.>$/.exec(said) ?? [];
    if (before !== undefined) {
      begun.set(thread, before);
      continue;
    }
    const [, after] = /^<\.\.\. \w+ resumed>(.*)$/.exec(said) ?? [];
    const text = after === undefined ? said : begun.get(thread) + after;
    const name = /^\w+(?=\()/.exec(text)?.[0];
    if (name !== undefined) calls.push({ name, text });
  }
  return calls;
}

/** Whether `call` waits for the disk. */
export function isFlush({ name }: SystemCall): boolean {
  return FLUSHES.includes(name);
}
