import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Name } from "../../src/core/path.ts";
import { FileSystemError } from "../../src/errors.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import { command } from "../support/command.ts";
import { has, test } from "../support/needs.ts";
import { TempDir } from "../support/temp.ts";
import {
  fileSystemContract,
  type Subject,
  watchContract,
} from "../../src/fs/contract.ts";

/** Bytes of a call that is left to another thread. */
const LARGE = 4 * 1024 * 1024;

const FILE = { mode: 0o644, mtime: 1_600_000_000_123 };

fileSystemContract("DenoFileSystem", () => open(true));

watchContract("DenoFileSystem", () => open(true));

// The way of systems other than Linux, as far as Linux can show it.
fileSystemContract("DenoFileSystem without handles", () => open(false));

test("DenoFileSystem takes sockets and devices for special", [
  "linux",
], async () => {
  await using temp = new TempDir();
  using _socket = Deno.listen({ transport: "unix", path: temp.at("socket") });
  using root = await openTemp(temp.path);
  const { entries, failed } = await root.list();
  assertEquals(failed, []);
  assertEquals(
    entries.map(({ name, stat }) => [name as string, stat.kind]),
    [["socket", "special"]],
  );
  using devices = await openTemp("/dev");
  assertEquals((await devices.lookup(as("null")))?.kind, "special");
  for (
    const [directory, name] of [
      [root, as("socket")],
      [devices, as("zero")],
    ] as const
  ) {
    await unsupported(() => directory.readFile(name, new Uint8Array(10)));
    await unsupported(() => directory.openFile(name));
  }
});

test("DenoFileSystem does not wait for a fifo with a silent writer", [
  "mkfifo",
], async () => {
  await using temp = new TempDir();
  await command("mkfifo", [temp.at("fifo")]);
  // Opened for both directions, a fifo has a writer that never writes.
  const writer = await Deno.open(temp.at("fifo"), { read: true, write: true });
  try {
    using root = await openTemp(temp.path);
    await unsupported(() => root.readFile(as("fifo"), new Uint8Array(10)));
    await unsupported(() => root.openFile(as("fifo")));
    await unsupported(() => root.openWritable(as("fifo")));
  } finally {
    writer.close();
  }
});

test("DenoFileSystem fails names that are not UTF-8, and only those", [
  "linux",
], async () => {
  await using temp = new TempDir();
  // Two names that Deno shows as one which also exists, one on its own, and a
  // proper name with U+FFFD; then a link to a path that is not UTF-8.
  const script = `cd "$1" && printf x > "$(printf 'a\\377')" &&
    printf x > "$(printf 'a\\376')" && printf x > "$(printf 'a\\357\\277\\275')" &&
    printf x > "$(printf 'b\\377')" && printf x > "$(printf 'c\\357\\277\\275')" &&
    ln -s "$(printf 't\\377')" link && ln -s "$(printf 't\\357\\277\\275')" good`;
  await command("sh", ["-c", script, "sh", temp.path]);
  using root = await openTemp(temp.path);
  for (const thorough of [false, true]) {
    const { entries, failed } = await root.list({ thorough });
    assertEquals(
      entries.map((entry) => entry.name).sort() as string[],
      ["c\ufffd", "good"],
    );
    assertEquals(
      failed.map(({ name, reason }) => `${name} ${reason}`).sort(),
      ["a\ufffd invalid-name", "b\ufffd invalid-name", "link unreadable"],
    );
  }
});

Deno.test("DenoFileSystem keeps large writes apart that are under way together", async () => {
  await using temp = new TempDir();
  using root = await openTemp(temp.path);
  const parts = [0, 1, 2].map((i) => new Uint8Array(LARGE).fill(i + 1));
  const file = await root.openWritable(as("file"));
  try {
    await Promise.all(parts.map((part, i) => file.write(part, i * LARGE)));
    const read = parts.map(() => new Uint8Array(LARGE));
    await Promise.all(read.map((into, i) => file.read(into, i * LARGE)));
    assertEquals(read, parts);
  } finally {
    file.close();
  }
});

Deno.test("A file that is closed during a call keeps its number until that is over", async () => {
  await using temp = new TempDir();
  using root = await openTemp(temp.path);
  const content = new Uint8Array(LARGE).fill(7);
  const first = await root.openWritable(as("first"));
  const writing = first.write(content, 0);
  first.close();
  first.close();
  // It would get the number of the first one, and what is still being written.
  const second = await root.openWritable(as("second"));
  try {
    await writing;
    await assertRejects(() => first.write(content, 0), TypeError);
    assertEquals((await second.stat()).size, 0);
    assertEquals(Deno.readFileSync(temp.at("first")), content);
    const reading = second.read(new Uint8Array(LARGE), 0);
    second.close();
    assertEquals(await reading, 0);
  } finally {
    second.close();
  }
});

test("DenoFileSystem stays in a directory that is swapped for a link", [
  "linux",
], async () => {
  await using temp = new TempDir();
  temp.directory("outside");
  temp.directory("root/a");
  using root = await openTemp(temp.at("root"));
  const a = await root.openDirectory(as("a"));
  try {
    Deno.renameSync(temp.at("root", "a"), temp.at("root", "moved"));
    Deno.symlinkSync("../outside", temp.at("root", "a"));
    Deno.writeTextFileSync(temp.at("outside", "foreign"), "text");
    await a.createFile(as("file"), new Uint8Array(1), FILE);
    await a.createDirectory(as("directory"));
    await a.createSymlink(as("link"), "x", 0);
    const { entries } = await a.list();
    assertEquals(
      entries.map((entry) => entry.name).sort() as string[],
      ["directory", "file", "link"],
    );
    await a.rename(as("file"), root, as("top"));
    await a.removeFile(as("link"));
  } finally {
    a.close();
  }
  assertEquals(namesIn(temp.at("outside")), ["foreign"]);
  assertEquals(namesIn(temp.at("root")), ["a", "moved", "top"]);
  assertEquals(namesIn(temp.at("root", "moved")), ["directory"]);
});

test("DenoFileSystem without handles refuses a directory swapped for a link", [
  "symlinks",
], async () => {
  await using temp = new TempDir();
  temp.directory("outside");
  temp.directory("root/a");
  using root = await openTemp(temp.at("root"), { handles: false });
  const a = await root.openDirectory(as("a"));
  Deno.renameSync(temp.at("root", "a"), temp.at("root", "moved"));
  Deno.symlinkSync("../outside", temp.at("root", "a"));
  const calls = [
    () => a.createFile(as("file"), new Uint8Array(1), FILE),
    () => a.createDirectory(as("directory")),
    () => a.setOwnMetadata({ mode: 0o700, mtime: 0 }),
    () => a.list(),
    () => root.rename(as("moved"), a, as("b")),
  ];
  for (const call of calls) {
    const error = await assertRejects(call, FileSystemError);
    assertEquals(error.code, "not-a-directory", error.message);
  }
  assertEquals(namesIn(temp.at("outside")), []);
});

test("DenoFileSystem sets modes whatever the umask", ["modes"], async () => {
  await using temp = new TempDir();
  const before = Deno.umask(0o077);
  try {
    using root = await openTemp(temp.path);
    await root.createFile(as("file"), new Uint8Array(1), {
      ...FILE,
      mode: 0o666,
    });
    assertEquals((await root.lookup(as("file")))?.mode, 0o666);
    using made = await openTemp(temp.at("new"), {}, true);
    assertEquals((await made.stat()).mode, 0o700);
  } finally {
    Deno.umask(before);
  }
});

test("DenoFileSystem moves a file onto another name of itself", [
  "modes",
], async () => {
  await using temp = new TempDir();
  temp.directory("a");
  for (const handles of [true, false]) {
    Deno.writeTextFileSync(temp.at("one"), "text");
    Deno.linkSync(temp.at("one"), temp.at("two"));
    Deno.linkSync(temp.at("one"), temp.at("a", "three"));
    using root = await openTemp(temp.path, { handles });
    using a = disposable(await root.openDirectory(as("a")));
    await root.rename(as("one"), root, as("two"));
    assertEquals(namesIn(temp.path), ["a", "two"]);
    await root.rename(as("two"), a, as("three"));
    assertEquals(namesIn(temp.path), ["a"]);
    assertEquals(Deno.readTextFileSync(temp.at("a", "three")), "text");
    Deno.removeSync(temp.at("a", "three"));
  }
});

test("DenoFileSystem leaves nothing of a file that it can't write", [
  "linux",
  "mount",
], async () => {
  await using temp = new TempDir();
  const small = temp.directory("small");
  await command("mount", ["-t", "tmpfs", "-o", "size=64k", "none", small]);
  try {
    using root = await openTemp(small);
    const error = await assertRejects(
      () => root.createFile(as("big"), new Uint8Array(1_000_000), FILE),
      FileSystemError,
      "no space left on device",
    );
    assertEquals(error.code, "no-space");
    assertEquals(namesIn(small), []);
  } finally {
    await command("umount", [small]);
  }
});

test("DenoFileSystem lists large directories, and long paths", [
  "linux",
], async () => {
  await using temp = new TempDir();
  using root = await openTemp(temp.path);
  const empty = new Uint8Array();
  for (let i = 0; i < 15_000; i++) {
    await root.createFile(as(`file${i}`), empty, FILE);
  }
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    assertEquals((await root.list()).entries.length, 15_000);
  } finally {
    clearInterval(timer);
  }
  assert(turns > 0, "nothing else was done meanwhile");

  let here: Directory = root;
  for (let depth = 0; depth < 20; depth++) {
    const name = as(`${depth}-`.padEnd(240, "x"));
    await here.createDirectory(name);
    const next = await here.openDirectory(name);
    if (here !== root) here.close();
    here = next;
  }
  try {
    await here.createFile(as("deep"), empty, FILE);
    const { entries } = await here.list();
    assertEquals(entries.map((entry) => entry.name) as string[], ["deep"]);
  } finally {
    here.close();
  }
});

test(
  "DenoFileSystem keeps a lock from other processes",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    using root = await openTemp(temp.path);
    const lock = await root.lock(as("lock"));
    const attempt = ["--nonblock", temp.at("lock"), "true"];
    assertEquals((await command("flock", attempt)).code, 1);
    lock.release();
    assertEquals((await command("flock", attempt)).code, 0);
  },
);

test("DenoFileSystem does not count a lock on a removed file", [
  "linux",
], async () => {
  await using temp = new TempDir();
  using root = await openTemp(temp.path);
  const old = await root.lock(as("lock"));
  await root.removeFile(as("lock"));
  const fresh = await root.lock(as("lock"));
  old.release();
  await assertRejects(() => root.lock(as("lock")), FileSystemError, "locked");
  fresh.release();
});

function open(handles: boolean): Promise<Subject> {
  const temp = new TempDir();
  return Promise.resolve({
    fs: new DenoFileSystem({ handles }),
    root: temp.path,
    holdsByPath: !handles,
    ...(has("mkfifo") ? { makeSpecial } : {}),
    close: () => temp[Symbol.asyncDispose](),
  });
}

async function makeSpecial(path: string): Promise<void> {
  await command("mkfifo", [path]);
}

async function openTemp(
  path: string,
  options: { readonly handles?: boolean } = {},
  create = false,
): Promise<Directory & Disposable> {
  const fs = new DenoFileSystem(options);
  return disposable(await fs.openRoot(path, { create }));
}

/** `directory`, closed at the end of the block. */
function disposable(directory: Directory): Directory & Disposable {
  return Object.assign(directory, {
    [Symbol.dispose]: () => directory.close(),
  });
}

async function unsupported(run: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(run, FileSystemError);
  assertEquals(error.code, "unsupported", error.message);
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

function as(name: string): Name {
  return name as Name;
}

test("DenoFileSystem says when no more can be watched, and what raises that", [
  "user-namespaces",
], async () => {
  await using temp = new TempDir();
  Deno.mkdirSync(temp.at("a/b/c/d"), { recursive: true });
  const script = `
    import { DenoFileSystem } from ${
    JSON.stringify(new URL("../../src/fs/deno_fs.ts", import.meta.url).href)
  };
    const root = await new DenoFileSystem().openRoot(Deno.args[0]);
    const watch = await root.watch((event) => {
      if (event.kind !== "ended") return;
      console.log(JSON.stringify(event));
      Deno.exit();
    });
    Deno.mkdirSync(Deno.args[0] + "/new/1/2/3/4/5/6", { recursive: true });
  `;
  Deno.writeTextFileSync(temp.at("watch.ts"), script);
  const limits = [["max_inotify_watches", 2], ["max_inotify_watches", 7], [
    "max_inotify_instances",
    0,
  ]] as const;
  for (const [limit, value] of limits) {
    const run = `echo ${value} > /proc/sys/user/${limit}; exec "$0" "$@"`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", "-c", config];
    const { stdout } = await command("unshare", [
      "-U",
      "-r",
      "sh",
      "-c",
      run,
      Deno.execPath(),
      ...args,
      temp.at("watch.ts"),
      temp.path,
    ]);
    const event = JSON.parse(stdout);
    assertEquals([event.kind, event.reason], ["ended", "limit"], limit);
    assert(event.remedy.startsWith("sudo sysctl fs.inotify."), event.remedy);
  }
});
