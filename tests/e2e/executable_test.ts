/** What `deno task compile` makes: it does what the program does, without Deno. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Executable } from "../support/executable.ts";
import { curl, serve, upload } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  listen,
  type ProgramOptions,
  run,
  startSync,
  sync,
} from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { command, shell } from "../support/command.ts";

/** What it is tried on; `$1` is the directory. */
const TREE = `
  mkdir -p "$1/dir/empty"; echo one > "$1/one"; echo two > "$1/dir/two"
  head -c 3000000 /dev/urandom > "$1/large"; ln -s one "$1/link"
`;

test(
  "an executable says which it is, and works without a place for Deno's files",
  ["executable", "signals"],
  async (t) => {
    await using made = await Executable.obtain();
    await using temp = new TempDir();
    const source = temp.directory("source");
    await shell(TREE, source);
    // No cache, no configuration and no Deno can be found from here.
    const options: ProgramOptions = {
      executable: made.path,
      cwd: temp.directory("elsewhere"),
      env: {
        DENO_DIR: "/nowhere",
        PATH: "/usr/bin:/bin",
        XDG_STATE_HOME: temp.at("state"),
      },
    };

    let deno = "";
    await t.step("version", async () => {
      const ended = await run(["--version", "--json"], options);
      const said = JSON.parse(ended.stdout);
      assertEquals([ended.code, said.standalone], [0, true]);
      deno = said.deno;
      assertMatch(said.commit, /^[0-9a-f]{40}\+?$/);
      const text = await run(["--version"], options);
      assertEquals(
        text.stdout,
        `lockstep ${said.version} (commit ${said.commit})`,
      );
    });

    await t.step("listen and sync", async () => {
      await using receiver = await listen(temp.at("a"), [], options);
      const ended = await sync(source, receiver.url, [], options);
      assertEquals([ended.code, ended.stderr], [0, ""]);
      assertEquals((await receiver.ended).code, 0);
      await assertSameTree(source, temp.at("a"));
    });

    await t.step("watch, and a hook", async () => {
      const target = temp.at("b");
      const hook = ["--on-change", `cat >> "${temp.at("hook")}"`];
      await using sender = startSync(
        source,
        target,
        ["--watch", ...hook],
        options,
      );
      await sender.event("synced");
      await Deno.writeTextFile(`${source}/new`, "new");
      await until("the new file", async () => {
        const { code } = await command("cmp", [
          `${source}/new`,
          `${target}/new`,
        ]);
        return code === 0;
      });
      sender.kill("SIGINT");
      assertEquals((await sender.ended).code, 0);
      assertStringIncludes(await Deno.readTextFile(temp.at("hook")), "new");
      await assertSameTree(source, target);
    });

    await t.step("two-way", async () => {
      const beta = temp.directory("c");
      await Deno.writeTextFile(`${beta}/theirs`, "theirs");
      const ended = await sync(source, beta, ["--two-way"], options);
      assertEquals([ended.code, ended.stderr], [0, ""]);
      await assertSameTree(source, beta);
      assertEquals(await Deno.readTextFile(`${source}/theirs`), "theirs");
    });

    await t.step("daemon", async () => {
      const runtime = temp.directory("run");
      Deno.chmodSync(runtime, 0o700);
      const target = temp.at("d");
      const env = {
        ...options.env,
        XDG_RUNTIME_DIR: runtime,
        LOCKSTEP_CONFIG: temp.at("config", "workspaces.json"),
      };
      const table: (readonly string[])[] = [
        ["daemon", "start"],
        ["workspace", "add", "--name", "w", "--path", source],
        ["workspace", "attach", "--workspace", "w", "--remote", "disk"]
          .concat(["--to", target]),
        ["workspace", "flush", "--workspace", "w"],
        ["daemon", "stop"],
      ];
      try {
        for (const args of table) {
          const ended = await run(args, { ...options, env });
          assertEquals([ended.code, ended.stderr], [0, ""], args.join(" "));
        }
        await assertSameTree(source, target);
        assertEquals([...Deno.readDirSync(runtime)].map(({ name }) => name), [
          "lockstep.sock.lock",
        ]);
      } finally {
        await run(["daemon", "stop"], { ...options, env });
      }
    });

    await t.step("hub", async () => {
      const data = temp.at("data");
      const [major = 0, minor = 0] = deno.split(".").map(Number);
      if (major === 2 && minor < 9) {
        // A stand-in for the runtime of a release: its SQLite is not good enough.
        const args = ["serve", "--port", "0", "--data-dir", data];
        const refused = await run(args, options);
        assertEquals(refused.code, 1);
        assertStringIncludes(refused.stderr, "SQLite");
        return;
      }
      await using hub = await serve(data, [], options);
      const sent = await upload(hub, hub.key, "a/b", "hello");
      assertEquals(sent.status, 201, sent.body);
      const got = await curl(hub.key, `${hub.url}/download/a/b`);
      assertEquals([got.status, got.body], [200, "hello"]);
      const keys = ["key", "list", "--data-dir", data];
      assertEquals((await run(keys, options)).code, 0);
      hub.kill("SIGTERM");
      assertEquals((await hub.ended).code, 0);
    });
  },
);

test(
  "Deno opens what is reached through a directory's handle only with all permissions",
  ["linux"],
  async () => {
    // The reason for --allow-all in the executables: once this fails, less will do.
    await using temp = new TempDir();
    const script = temp.at("open.ts");
    await Deno.writeTextFile(
      script,
      'Deno.readDirSync("/proc/self/fd/0").next();',
    );
    const named = ["read", "write", "net", "env", "run", "sys", "ffi"];
    const flags = named.map((name) => `--allow-${name}`);
    const args = ["run", "--quiet", "--no-prompt", "--no-config", ...flags];
    const refused = await command(Deno.execPath(), [...args, script]);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "Requires all access");
  },
);
