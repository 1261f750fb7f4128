import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { shell } from "../support/command.ts";
import { exists, namesIn } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { listen, startSync } from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { Watching } from "../support/watching.ts";

function fill(source: string): void {
  Deno.mkdirSync(join(source, "dir"));
  for (let i = 0; i < 30; i++) {
    Deno.writeTextFileSync(join(source, `dir/f${i}`), String(i));
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`a watch that is ended by ${signal} ends well at both ends`, [
    "signals",
  ], async () => {
    await using watching = await Watching.start({ prepare: fill });
    await watching.stop(signal);
    assertEquals(watching.receiver.events.at(-1)?.outcome, "done");
    assertEquals(watching.sender.events.at(-1)?.event, "stopped");
  });
}

test(
  "a receiver that is stopped ends well, and the sender comes to the next one",
  [
    "signals",
  ],
  async () => {
    await using temp = new TempDir();
    await using proxy = new TcpProxy(1);
    await using watching = await Watching.start({
      prepare: fill,
      through: proxy,
    });
    const { source, target } = watching;
    await watching.receiver.event("synced");
    watching.receiver.kill("SIGINT");
    assertEquals((await watching.receiver.ended).code, 0);
    // What happens in between costs no more than one round.
    for (let i = 0; i < 50; i++) {
      Deno.writeTextFileSync(join(source, "file"), String(i));
    }
    await watching.sender.event("retrying");
    watching.receiver = await listen(target);
    proxy.serverPort = watching.receiver.port;
    await watching.equal();
    // And one that is killed.
    watching.receiver.kill("SIGKILL");
    await watching.receiver.ended;
    Deno.removeSync(join(source, "dir/f1"));
    watching.receiver = await listen(target);
    proxy.serverPort = watching.receiver.port;
    await watching.equal();
    await watching.stop();
    assert(exists(temp.path));
  },
);

test("a watch goes on after its connection was cut", [], async () => {
  await using proxy = new TcpProxy(1);
  await using watching = await Watching.start({
    prepare: fill,
    through: proxy,
  });
  const { source } = watching;
  for (let i = 0; i < 3; i++) {
    proxy.cut();
    Deno.writeTextFileSync(join(source, `cut${i}`), "x".repeat(100_000));
    await watching.equal();
  }
  watching.sender.kill("SIGINT");
  assertEquals((await watching.sender.ended).code, 0);
  assertEquals((await watching.receiver.ended).code, 0);
});

test(
  "H09: a source that goes away leaves the target as it is, and is awaited",
  [
    "rsync",
  ],
  async () => {
    await using watching = await Watching.start({ prepare: fill });
    const { source, target, sender } = watching;
    Deno.renameSync(source, `${source}.away`);
    await sender.event("source-lost");
    Deno.writeTextFileSync(join(`${source}.away`, "meanwhile"), "1");
    Deno.removeSync(join(`${source}.away`, "dir/f3"));
    // Another directory in its place is not the source.
    Deno.mkdirSync(source);
    Deno.writeTextFileSync(join(source, "other"), "1");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assertEquals(namesIn(join(target, "dir")).length, 30);
    assert(!exists(join(target, "other")));
    Deno.removeSync(source, { recursive: true });
    Deno.renameSync(`${source}.away`, source);
    await sender.event("source-back");
    await watching.equal();
    Deno.writeTextFileSync(join(source, "later"), "1");
    await watching.equal();
    const said = sender.events.filter(({ event }) =>
      event.startsWith("source-")
    );
    assertEquals(said.length, 2);
    await watching.stop();
  },
);

test("a source that is removed as a whole does not take the target with it", [
  "rsync",
], async () => {
  await using watching = await Watching.start({ prepare: fill });
  const { source, target, sender } = watching;
  await shell(`rm -rf "$1"`, source);
  await sender.event("source-lost");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(namesIn(join(target, "dir")).length, 30);
});

test(
  "a watch that is ended while its target is away says that something is missing",
  [
    "signals",
  ],
  async () => {
    await using watching = await Watching.start({ prepare: fill });
    const { source, sender } = watching;
    watching.receiver.kill("SIGKILL");
    await watching.receiver.ended;
    Deno.writeTextFileSync(join(source, "unsent"), "1");
    await sender.event("retrying");
    // The change is seen by then.
    await new Promise((resolve) => setTimeout(resolve, 500));
    sender.kill("SIGTERM");
    assertEquals((await sender.ended).code, 6);
  },
);

test("a watch that is ended while its source is away says so", [
  "signals",
], async () => {
  await using watching = await Watching.start({ prepare: fill });
  const { source, temp, sender } = watching;
  Deno.renameSync(source, temp.at("elsewhere"));
  await sender.event("source-lost");
  sender.kill("SIGTERM");
  assertEquals((await sender.ended).code, 1);
});

test("a safety stop halts a watch until what was done is undone", [
  "rsync",
], async () => {
  await using watching = await Watching.start({
    prepare: fill,
    sync: ["--max-delete", "10"],
  });
  const { source, target, sender } = watching;
  await shell(`mv "$1/dir" "$2"`, source, watching.temp.at("kept"));
  const halted = await sender.event("halted");
  assertStringIncludes(String(halted.message), "--max-delete");
  Deno.writeTextFileSync(join(source, "other"), "1");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(namesIn(join(target, "dir")).length, 30);
  await shell(`mv "$2" "$1/dir"`, source, watching.temp.at("kept"));
  await watching.equal();
  await shell(`rm "$1"/dir/f2*`, source);
  await until(
    "the second halt",
    () => sender.events.filter(({ event }) => event === "halted").length === 2,
  );
  sender.kill("SIGINT");
  const { code } = await sender.ended;
  assertEquals(code, 4);
  assertEquals((await watching.receiver.ended).code, 4);
});

test("a limit on deletions holds for all that is deleted in one go", [
  "rsync",
], async () => {
  await using watching = await Watching.start({
    prepare: fill,
    listen: ["--max-delete", "10"],
  });
  const { source, target, sender } = watching;
  for (let i = 0; i < 30 && namesIn(join(target, "dir")).length > 20; i++) {
    Deno.removeSync(join(source, `dir/f${i}`));
    if (i < 10) await watching.equal();
    else {
      await sender.event("halted");
      break;
    }
  }
  Deno.removeSync(join(source, "dir/f10"));
  await sender.event("halted");
  assertEquals(namesIn(join(target, "dir")).length, 20);
});

test(
  "H08: a tree that can't be watched is looked at now and then, which is said once",
  [
    "user-namespaces",
  ],
  async () => {
    const limit = "echo 3 > /proc/sys/user/max_inotify_watches";
    await using watching = await Watching.start({
      prepare: (source) => {
        fill(source);
        Deno.mkdirSync(join(source, "a/b/c/d/e"), { recursive: true });
      },
      under: ["unshare", "-U", "-r", "sh", "-c", `${limit}; exec "$0" "$@"`],
    });
    const { source, sender } = watching;
    for (let i = 0; i < 3; i++) {
      Deno.writeTextFileSync(join(source, `a/b/c/d/e/f${i}`), "1");
      await watching.equal();
    }
    const warnings = sender.events.filter(({ event }) => event === "warning");
    assertEquals(warnings.length, 1);
    assertStringIncludes(
      String(warnings[0]!.message),
      "sudo sysctl fs.inotify.max_user_watches",
    );
  },
);

test("H10: a lost event is made up for by the next scan of the whole tree", [
  "mount",
], async () => {
  // Through a second name outside, the watch sees nothing.
  await using watching = await Watching.start({
    prepare: fill,
    sync: ["--rescan", "300ms"],
  });
  const { source, temp } = watching;
  Deno.linkSync(join(source, "dir/f1"), temp.at("outside"));
  await watching.equal();
  Deno.writeTextFileSync(temp.at("outside"), "written elsewhere");
  await watching.equal();
  await watching.stop();
});

test("a local target that was removed is made anew", ["rsync"], async () => {
  await using temp = new TempDir();
  const [source, target] = [temp.at("source"), temp.at("target")];
  Deno.mkdirSync(source);
  fill(source);
  await using sender = startSync(source, target, ["--watch", "--no-state"]);
  await sender.event("synced");
  Deno.removeSync(target, { recursive: true });
  Deno.writeTextFileSync(join(source, "new"), "1");
  await until(
    "the target to be back",
    () => exists(join(target, "new")) && exists(join(target, "dir/f29")),
  );
  sender.kill("SIGTERM");
  assertEquals((await sender.ended).code, 0);
});

test(
  "options of a watch say so when there is none, and a dry run does not watch",
  [],
  async () => {
    await using temp = new TempDir();
    Deno.mkdirSync(temp.at("source"));
    for (
      const [args, words] of [
        [["--rescan", "1m"], "--rescan needs --watch"],
        [["--repair", "1m"], "--repair needs --watch"],
        [["--watch", "--dry-run"], "exclude each other"],
      ] as const
    ) {
      await using sender = startSync(
        temp.at("source"),
        temp.at("target"),
        args,
      );
      const { code, stderr } = await sender.ended;
      assertEquals(code, 2);
      assertStringIncludes(stderr, words);
    }
  },
);
