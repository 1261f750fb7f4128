import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  jobOf,
  workspaceChecks,
} from "../../../src/cli/commands/workspace_options.ts";
import { WORKSPACE_COMMANDS } from "../../../src/cli/workspace_commands.ts";
import type {
  OptionTexts,
  RemoteConfig,
  WorkspaceConfig,
} from "../../../src/daemon/workspace_config.ts";
import { UsageError } from "../../../src/errors.ts";
import { TempDir } from "../../support/temp.ts";

function workspace(path: string, options: OptionTexts = {}): WorkspaceConfig {
  return { name: "w", path, paused: false, options, remotes: [] };
}

function remote(to: string, options: OptionTexts = {}): RemoteConfig {
  return { name: "r", to, paused: false, options, token: undefined };
}

Deno.test("the options of a workspace and its remotes mean what they mean to sync", () => {
  const { options } = jobOf(
    workspace("/w", {
      checksum: true,
      symlinks: "skip",
      exclude: ["*.a", "-b"],
    }),
    {
      ...remote("ws://h:1", { "max-delete": "10%", bwlimit: "1M" }),
      token: "t",
    },
  );
  assertEquals(options.watch, true);
  assertEquals([options.checksum, options.symlinks], [true, "skip"]);
  assertEquals(options.exclude, ["*.a", "-b"]);
  assertEquals(options.maxDelete, { kind: "percent", percent: 10 });
  assertEquals([options.bwlimit, options.token], [2 ** 20, "t"]);
  assertEquals(options.retryFor, Infinity);
});

Deno.test("every option of add and attach is one that a workspace or a remote takes", () => {
  const own = ["name", "path", "workspace", "remote", "to", "token", "json"];
  const longs = (name: "workspace add" | "workspace attach"): string[] =>
    Object.values(WORKSPACE_COMMANDS[name].options)
      .map(({ long }) => long).filter((long) => !own.includes(long));
  const refusal = assertThrows(
    () => jobOf(workspace("/w", { none: true }), remote("/r")),
    UsageError,
  ).message;
  assertEquals(
    refusal.split(": ").at(-1)!.split(", ").sort(),
    longs("workspace add").sort(),
  );
  const other = assertThrows(
    () => jobOf(workspace("/w"), remote("/r", { none: true })),
    UsageError,
  ).message;
  assertEquals(
    other.split(": ").at(-1)!.split(", ").sort(),
    longs("workspace attach").sort(),
  );
});

Deno.test("options that contradict each other, or the remote, are refused", () => {
  const table: [RemoteConfig, string][] = [
    [remote("/r", { compress: "on" }), "for connections"],
    [remote("ws://h", { trash: "/t" }), "keeps the trash"],
    [remote("ws://h", { "no-fsync": true }), "writes to the disk"],
    [remote("/r", { "max-delete": ["1", "2"] }), "more than once"],
    [remote("/r", { "no-delete": "x" }), "no-delete"],
    [{ ...remote("/r"), token: "t" }, "for addresses"],
    [
      { ...remote("ws://h", { "token-file": "/t" }), token: "t" },
      "exclude each other",
    ],
    [remote("ftp://h"), "ftp://h"],
    [remote("http://h?x"), "http://h?x"],
    [remote("http://h", { repair: "1m" }), "--two-way does not go with"],
    [remote("ws://h", { conflict: "newest" }), "needs --two-way"],
  ];
  for (const [config, message] of table) {
    const error = assertThrows(
      () => jobOf(workspace("/w"), config),
      UsageError,
    );
    assertStringIncludes(error.message, message);
  }
});

Deno.test("places of workspaces and remotes do not meet", async () => {
  await using temp = new TempDir();
  const one = workspace(temp.directory("one"));
  const other = {
    ...workspace(temp.directory("other")),
    name: "other",
    remotes: [remote(temp.at("place")), remote("ws://h:80/")],
  };
  const check = (...remotes: RemoteConfig[]): void =>
    workspaceChecks.check({ ...one, remotes }, [other]);
  check(remote(temp.at("free")), remote("ws://h:81"));
  // A chain is a wish: what is mirrored to one workspace goes on from there.
  check(remote(other.path));
  for (
    const to of ["place", "place/in", "one/in", "."].map((name) =>
      temp.at(name)
    ).concat("ws://h")
  ) {
    assertThrows(() => check(remote(to)), UsageError);
  }
  assertThrows(
    () => workspaceChecks.check({ ...other, remotes: [] }, [other]),
    UsageError,
  );
});

Deno.test("a hub is followed in both directions, however it is named", () => {
  for (const to of ["http://h:1", "http://h:1/", "ws://h:1/engine"]) {
    const { options } = jobOf(workspace("/w", { checksum: true }), remote(to));
    assertEquals([options.twoWay, options.checksum], [true, false], to);
    assertEquals(options.to, { kind: "url", url: "ws://h:1/engine" });
  }
  const plain = jobOf(workspace("/w"), remote("ws://h:1"));
  assertEquals(plain.options.twoWay, false);
});
