/** The README is true: its commands run, and its tables name what there is. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/command_table.ts";
import { EXIT_CODE_MEANINGS } from "../../src/cli/exit_code.ts";
import { helpText } from "../../src/cli/help.ts";
import { DaemonWorld } from "../support/daemon_world.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { shell } from "../support/command.ts";
import { serve } from "../support/hub_program.ts";
import { parseLogLine } from "../support/log_line.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  type JsonEvent,
  listen,
  PROGRAM,
  Program,
  type ProgramOptions,
  run,
} from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const README = Deno.readTextFileSync(
  new URL("../../README.md", import.meta.url),
);

/** The section under this heading. */
function section(heading: string): string {
  const start = README.indexOf(`\n## ${heading}\n`);
  assert(start >= 0, `There is no section "${heading}"`);
  const end = README.indexOf("\n## ", start + 4);
  return README.slice(start, end < 0 ? undefined : end);
}

/** The code blocks of a text in this language. */
function blocks(text: string, language: string): string[] {
  const fence = new RegExp("```" + language + "\\n(.*?)```", "gs");
  return [...text.matchAll(fence)].map((found) => found[1]!);
}

/** The words of the one `lockstep …` command in `text` that begins so. */
function commandIn(text: string, start: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  const found = lines.filter((line) => line.startsWith(start));
  assertEquals(found.length, 1, `"${start}" stands there once`);
  return found[0]!.split(" ").slice(1);
}

function makePhotos(temp: TempDir): string {
  const photos = temp.directory("photos");
  Deno.mkdirSync(`${photos}/2026`);
  Deno.writeTextFileSync(`${photos}/2026/sea.jpg`, "waves");
  return photos;
}

/** `words` with the address of the README replaced by `url`. */
function withUrl(words: readonly string[], url: string): string[] {
  return words.map((word) => word.startsWith("ws://127") ? url : word);
}

Deno.test("the README's commands mirror to another machine", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const text = blocks(section("Mirror to another machine"), "sh").join("\n");
  const listenWords = commandIn(text, "lockstep listen");
  assertEquals(listenWords.slice(0, 4), [
    "listen",
    "--port",
    "8080",
    "--output-dir",
  ]);
  const backup = temp.at(listenWords[4]!);
  await using receiver = await listen(backup);
  const words = withUrl(commandIn(text, "lockstep sync"), receiver.url);
  const sent = await run(words, { cwd: temp.path });
  assertEquals(sent.code, 0, sent.stderr);
  assertEquals((await receiver.ended).code, 0);
  await assertSameTree(photos, backup);
});

Deno.test("the README's command mirrors on one machine", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const [text] = blocks(section("Mirror on one machine"), "sh");
  const words = commandIn(text!, "lockstep sync");
  assertEquals(words.at(-1), "/mnt/disk/photos");
  const copy = temp.at("disk", "photos");
  const ended = await run([...words.slice(0, -1), copy], { cwd: temp.path });
  assertEquals(ended.code, 0, ended.stderr);
  await assertSameTree(photos, copy);
});

Deno.test("the README's commands sync in both directions", async () => {
  await using temp = new TempDir();
  const [text] = blocks(section("Two-way"), "sh");
  const [here, there] = [temp.directory("here"), temp.directory("there")];
  Deno.writeTextFileSync(`${here}/a`, "a");
  Deno.writeTextFileSync(`${there}/b`, "b");
  const words = commandIn(text!.replaceAll(/ +#.*/g, ""), "lockstep listen")
    .slice(1)
    .filter((word) => word !== "--port" && word !== "8080")
    .filter((word) => word !== "--output-dir" && word !== "notes");
  await using receiver = await listen(there, words);
  const command = commandIn(text!.replaceAll(/ +#.*/g, ""), "lockstep sync");
  const args = withUrl(command, receiver.url)
    .map((word) => word === "notes" ? here : word);
  const { code, stderr } = await run(args);
  assertEquals(code, 0, stderr);
  await assertSameTree(here, there);
  assertEquals(namesIn(here), ["a", "b"]);
});

Deno.test("the README's commands for a slow network mirror", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const texts = blocks(section("On a slow network"), "sh");
  assertEquals(texts.length, 2);
  for (const [i, text] of texts.entries()) {
    await using receiver = await listen(temp.at(`backup${i}`));
    const words = withUrl(commandIn(text, "lockstep sync"), receiver.url);
    const ended = await run(words, { cwd: temp.path });
    assertEquals(ended.code, 0, ended.stderr);
    assertEquals((await receiver.ended).code, 0);
    await assertSameTree(photos, temp.at(`backup${i}`));
  }
});

Deno.test("the README's commands clean up what a broken-off run left", async () => {
  await using temp = new TempDir();
  writeTree(temp.at("backup"), { ".lockstep": { stage: { part: "half" } } });
  const [text] = blocks(section("What a broken-off run leaves"), "sh");
  const staged = temp.at("backup", ".lockstep");
  for (const [i, line] of text!.trim().split("\n").entries()) {
    const words = commandIn(line, "lockstep clean");
    const ended = await run(words, { cwd: temp.path });
    assertEquals(ended.code, 0, ended.stderr);
    assertEquals(exists(staged), i === 0);
  }
});

test("the README's loop mirrors until it is stopped, and writes a log", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const [loop] = blocks(section("Local loops, log and hooks"), "sh");
  const words = commandIn(loop!, "lockstep sync");
  await using sender = new Program([...words, "--json"], { cwd: temp.path });
  await sender.event("synced");
  Deno.writeTextFileSync(`${photos}/new.jpg`, "sand");
  await sender.event("operation", { path: "new.jpg" });
  await sender.event("synced", { created: 1 });
  sender.kill("SIGTERM");
  assertEquals((await sender.ended).code, 0);
  await assertSameTree(photos, temp.at("copy"));
  for (const event of sender.events) assertDocumented(event);
  const lines = Deno.readTextFileSync(temp.at("sync.log")).trimEnd().split(
    "\n",
  );
  assertEquals(lines.map(parseLogLine).includes(undefined), false);
  assertStringIncludes(lines.join("\n"), '"new.jpg"');
});

Deno.test("the README's lines of a log are lines of a log", () => {
  const [lines] = blocks(section("Local loops, log and hooks"), "console");
  const entries = lines!.trim().split("\n").map(parseLogLine);
  assertEquals(
    entries.map((entry) => entry?.name),
    ["create", "touch", "restore", "delete"],
  );
});

test(
  "the README's hooks are run, and get what it shows",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    makePhotos(temp);
    const text = section("Local loops, log and hooks");
    const [sync, listening] = blocks(text, "sh")[1]!.trim().split("\n").map((
      line,
    ) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((it) => it[1] ?? it[2]!));
    const sent = await run(sync!.slice(1), { cwd: temp.path });
    assertEquals(sent.code, 0, sent.stderr);
    const manifest = JSON.parse(
      Deno.readTextFileSync(temp.at("last-change.json")),
    );
    const shown = JSON.parse(blocks(text, "json")[0]!);
    assertEquals(Object.keys(manifest), Object.keys(shown));
    assertEquals(Object.keys(manifest.totals), Object.keys(shown.totals));
    const keys = (it: { changes: { kind: string }[] }): string[] =>
      Object.keys(it.changes.find(({ kind }) => kind === "file")!);
    assertEquals(keys(manifest), keys(shown));

    const words = listening!.slice(6);
    assertEquals(words[0], "--on-change");
    await using receiver = await listen(temp.at("backup"), words);
    const args = ["sync", "--from", "photos", "--to", receiver.url];
    await runInTurn([args], { cwd: temp.path });
    assertStringIncludes((await receiver.ended).stderr, "hook: 2026");
  },
);

Deno.test("the README's commands leave things out", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const text = section("Leave things out");
  const [rules] = blocks(text, "gitignore");
  Deno.writeTextFileSync(`${photos}/.syncignore`, rules!);
  Deno.writeTextFileSync(temp.at("rules.txt"), "*.txt\n");
  for (
    const name of ["a.log", "important.log", "a.tmp", "a.txt", "b.ignored"]
  ) Deno.writeTextFileSync(`${photos}/${name}`, name);
  for (const name of ["build", "cache"]) Deno.mkdirSync(`${photos}/${name}`);
  Deno.writeTextFileSync(`${photos}/.gitignore`, "*.ignored\n");
  const [syncs, explains] = blocks(text, "sh");
  const left: string[][] = [];
  for (const line of syncs!.trim().split("\n")) {
    const words = line.replaceAll("'", "").split(" ").slice(1);
    const ended = await run(words, { cwd: temp.path });
    assertEquals(ended.code, 0, ended.stderr);
    const there = namesIn(temp.at("copy"));
    left.push(namesIn(photos).filter((name) => !there.includes(name)));
    Deno.removeSync(temp.at("copy"), { recursive: true });
  }
  assertEquals(left, [
    ["a.log", "b.ignored", "build"],
    ["a.log", "a.tmp", "build", "cache"],
    ["a.log", "a.txt", "build"],
  ]);
  const words = commandIn(explains!, "lockstep explain");
  const { stdout } = await run(words, { cwd: temp.path });
  assertStringIncludes(stdout, '.syncignore line 4: "/build/"');
});

Deno.test("the README's commands keep, list, restore and empty", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const [keep, use] = blocks(
    section("Get back what was replaced or deleted"),
    "sh",
  );
  const options = { cwd: temp.path };
  const words = commandIn(keep!, "lockstep listen").slice(5);
  await using receiver = await listen(temp.at("backup"), words, options);
  await runInTurn([["sync", "-f", "photos", "-t", receiver.url]], options);
  const sync = commandIn(keep!, "lockstep sync");
  await runInTurn([sync], options);
  Deno.writeTextFileSync(`${photos}/2026/sea.jpg`, "higher waves");
  await runInTurn([sync], options);
  Deno.removeSync(`${temp.path}/copy/2026/sea.jpg`);

  const commands = use!.trim().split("\n").map((line) =>
    line.split(" ").slice(1)
  );
  const [list, restore, restoreTo, empty] = commands;
  const [listed] = await runInTurn([list!, restore!], options);
  assert(/^\S+Z, from .*copy:\n +file +5 B {2}2026\/sea.jpg\n/.test(listed!));
  const sea = (directory: string): string =>
    Deno.readTextFileSync(temp.at(directory, "2026", "sea.jpg"));
  assertEquals(sea("copy"), "waves");
  await runInTurn([sync, restoreTo!, empty!], options);
  assertEquals([sea("copy"), sea("old-photos")], ["higher waves", "waves"]);
  assertEquals(namesIn(temp.at("trash")), []);
});

Deno.test("the README's forms without a command work", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const forms = section("Mirror to another machine").match(
    /`lockstep --(?!help)[^`]*`/g,
  );
  assertEquals(forms?.length, 2);
  const [listenForm, syncForm] = forms!.map((form) =>
    form.slice(1, -1).split(" ").slice(1)
  );
  const port = listenForm!.map((word) => word === "8080" ? "0" : word);
  await using receiver = new Program([...port, "--json"], { cwd: temp.path });
  const { url } = await receiver.event("listening");
  const words = withUrl(syncForm!, String(url));
  const ended = await run(words, { cwd: temp.path });
  assertEquals(ended.code, 0, ended.stderr);
  assertEquals((await receiver.ended).code, 0);
  await assertSameTree(photos, temp.at("backup"));
});

Deno.test("the README's commands show, save and carry out a plan", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const copy = temp.at("disk", "photos");
  const text = blocks(section("See first what would happen"), "sh").join("\n");
  const commands = text.split("\n").filter((line) => line !== "").map((line) =>
    line.split(" ").slice(1).map((word) =>
      word === "/mnt/disk/photos" ? copy : word
    )
  );
  const options = { cwd: temp.path };
  const [looked, saved, applied] = await runInTurn(commands, options);
  assert(looked!.includes("create   2026/sea.jpg  (new)"), looked);
  assertEquals(saved, looked);
  assert(applied!.startsWith("Done in"), applied);
  await assertSameTree(photos, copy);
});

Deno.test("the README's command compares", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const copy = temp.at("disk", "photos");
  assertEquals((await run(["sync", "-f", photos, "-t", copy])).code, 0);
  const [text] = blocks(section("Is the copy still good?"), "sh");
  const words = commandIn(text!, "lockstep verify").map((word) =>
    word === "/mnt/disk/photos" ? copy : word
  );
  assertEquals((await run(words, { cwd: temp.path })).code, 0);
  Deno.writeTextFileSync(`${copy}/2026/sea.jpg`, "calm!");
  assertEquals((await run(words, { cwd: temp.path })).code, 3);
});

Deno.test("the README's limits hold", async () => {
  await using temp = new TempDir();
  makePhotos(temp);
  const [one, other] = blocks(section("Guards"), "sh");
  const copy = temp.directory("copy");
  const sync = commandIn(one!, "lockstep sync").map((word) =>
    word === "/mnt/disk/photos" ? copy : word
  );
  Deno.writeTextFileSync(`${copy}/extra`, "");
  const halted = await run(sync, { cwd: temp.path });
  assertEquals(halted.code, 4, halted.stderr);
  Deno.removeSync(`${copy}/extra`);
  await runInTurn([sync], { cwd: temp.path });

  const words = commandIn(other!, "lockstep listen").slice(5);
  assertEquals(words.slice(0, 1), ["--max-delete"]);
  await using receiver = await listen(temp.at("backup"), words);
  const args = ["sync", "--from", "photos", "--to", receiver.url];
  await runInTurn([args], { cwd: temp.path });
});

/** Runs commands that must succeed: what each says on its standard output. */
async function runInTurn(
  commands: readonly (readonly string[])[],
  options: ProgramOptions,
): Promise<string[]> {
  const outputs: string[] = [];
  for (const words of commands) {
    const ended = await run(words, options);
    assertEquals(ended.code, 0, ended.stderr);
    outputs.push(ended.stdout);
  }
  return outputs;
}

test("the README's commands mirror with a token, and with TLS", [
  "openssl",
  "modes",
], async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const lines = blocks(section("Security"), "sh").join("\n")
    .replaceAll(/\\\n */g, "").split("\n");
  for (const line of lines.filter((line) => line.includes("openssl"))) {
    await shell(`cd "$1"; ${line} 2>/dev/null`, temp.path);
  }
  const wordsOf = (start: string): string[][] =>
    lines.filter((line) => line.startsWith(`lockstep ${start} `))
      .map((line) => line.split(" ").slice(1));
  const listens = wordsOf("listen");
  const syncs = wordsOf("sync");
  assertEquals([listens.length, syncs.length], [2, 2]);
  for (const [i, words] of listens.entries()) {
    const here = words.map((word) =>
      word.replace("8080", "0").replace("0.0.0.0", "127.0.0.1")
    );
    await using receiver = new Program([...here, "--json"], { cwd: temp.path });
    const { port } = await receiver.event("listening");
    const args = syncs[i]!.map((word) =>
      word.replace("backup.example:8080", `localhost:${port}`)
    );
    const ended = await run(args, { cwd: temp.path });
    assertEquals(ended.code, 0, ended.stderr);
    assertEquals((await receiver.ended).code, 0);
    await assertSameTree(photos, temp.at("backup"));
  }
});

Deno.test("the README names no option that does not exist", () => {
  const help = Object.keys(COMMANDS).map((name) =>
    helpText(name as keyof typeof COMMANDS)
  ).join("\n");
  const security = section("Security").replaceAll(/```.*?```/gs, "");
  const text = security + section("Mirror to another machine") +
    section("Leave things out") + section("What is mirrored") +
    section("Output for programs") +
    section("See first what would happen") + section("Guards") +
    section("Two-way") +
    section("Install").slice(section("Install").indexOf("###")) +
    section("Local loops, log and hooks") +
    section("The hub").replaceAll(/```.*?```/gs, "");
  const named = new Set(text.match(/--[a-z][a-z-]+/g));
  assert(named.size > 10);
  for (const option of named) {
    if (option === "--help") continue;
    assert(help.includes(option), `${option} is not in any help`);
  }
});

Deno.test("the README's exit codes are those of the program", () => {
  const documented = section("Exit codes").match(/^\| [0-9][0-9, ]*/gm)!.map(
    (row) => row.slice(2).trim(),
  );
  assertEquals(documented, EXIT_CODE_MEANINGS.map(([code]) => code));
});

Deno.test("the README documents each event that the program prints", async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  await using receiver = await listen(temp.at("backup"));
  const sent = await run(
    ["sync", "--from", photos, "--to", receiver.url, "--json"],
  );
  const planned = await run(
    ["sync", "--from", photos, "--to", temp.at("other"), "--json", "-n"],
  );
  const compared = await run(
    ["verify", "--from", photos, "--to", temp.directory("empty"), "--json"],
  );
  const received = await receiver.ended;
  const conflicting = temp.directory("conflicting");
  Deno.mkdirSync(`${conflicting}/2026`);
  Deno.writeTextFileSync(`${conflicting}/2026/sea.jpg`, "still water");
  const twoWay = ["sync", "--two-way", "--from", photos, "--to", conflicting];
  const expected = await run([...twoWay, "--json", "-n"]);
  const united = await run([...twoWay, "--json"]);
  const all = [sent, planned, compared, received, expected, united];
  for (const { events } of all) {
    events.forEach(assertDocumented);
  }
});

function assertDocumented(event: JsonEvent): void {
  const item = section("Output for programs").split("\n- ").find((text) =>
    text.startsWith(`\`${event.event}\` (`)
  );
  assert(item !== undefined, `${event.event} is not documented`);
  const [own] = item.split("\n\n");
  for (const field of Object.keys(event)) {
    if (field === "event" || field === "time") continue;
    assert(own!.includes(`\`${field}\``), `${field} is not in: ${own}`);
  }
}

const LIBRARY = section("As a library");

for (const [i, code] of blocks(LIBRARY, "ts").entries()) {
  test(`the README's program number ${i + 1} runs`, ["symlinks"], async () => {
    await using temp = new TempDir();
    const photos = makePhotos(temp);
    const src = new URL("../../src/", import.meta.url).href;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const file = temp.at("example.ts");
    assert(code.includes('from "./src/mod.ts"'));
    Deno.writeTextFileSync(file, code.replaceAll('"./src/', `"${src}`));
    const command = code.includes("watchContract") ? "test" : "run";
    const args = [command, "-A", "--check", "--config", config, file];
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      { args, cwd: temp.path },
    ).output();
    const said = new TextDecoder().decode(stdout);
    assert(success, said + new TextDecoder().decode(stderr));
    for (const [marker, expected] of Object.entries(SAID)) {
      if (code.includes(marker)) assertStringIncludes(said, expected);
    }
    if (code.includes('"backup"')) {
      await assertSameTree(photos, temp.at("backup"));
    }
  });
}

/** What a program with this in it says. */
const SAID: Readonly<Record<string, string>> = {
  "onEvent(event)": "to do:",
  "new ReplicatorSource": '{ "new/": null, "notes.txt": "one" }',
  "failCall": "Cannot createFile: it was ordered to fail\n1 write, then 0",
  "watchContract": "passed | 0 failed",
  "telling": "to be changed: 2026",
};

test("a project of its own imports the library as the README says", [
  "symlinks",
], async () => {
  const root = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
  const linked = blocks(LIBRARY, "json")[0]!.replace("../lockstep", root);
  const mapped = JSON.stringify({
    imports: {
      lockstep: `${root}/src/mod.ts`,
      "lockstep/contract": `${root}/src/fs/contract.ts`,
    },
  });
  for (const config of [linked, mapped]) {
    await using temp = new TempDir();
    const photos = makePhotos(temp);
    Deno.writeTextFileSync(temp.at("deno.json"), config);
    Deno.writeTextFileSync(temp.at("main.ts"), PROJECT);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", "main.ts"],
      cwd: temp.path,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await assertSameTree(photos, temp.at("backup"));
  }
});

test("the README's walk through a hub runs", ["curl", "bash"], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("hub"));
  Deno.writeTextFileSync(temp.at("plan.txt"), "the plan");
  const shells = blocks(section("The hub"), "sh");
  const walk = shells.find((text) => text.includes("curl"))!
    .replace("http://127.0.0.1:8000", hub.url)
    .replaceAll("curl ", "curl --fail --silent --show-error ");
  const said = await shell(
    `cd "$1"; KEY="$2"; set -o pipefail; ${walk}`,
    temp.path,
    hub.key,
  );
  // As \`sha256sum plan.txt\` says it.
  const sum = await shell('sha256sum < "$1"', temp.at("plan.txt"));
  assertStringIncludes(said, sum.slice(0, 64));
  assertStringIncludes(said, '"operation":"delete"');

  const env = { LOCKSTEP_API_KEY: hub.key };
  for (const text of shells.filter((text) => !text.includes("curl"))) {
    for (const line of text.trim().split("\n")) {
      const words = line.split(" ").slice(1);
      if (words[0] === "serve") continue;
      const isLocal = ["key", "start", "status", "conflicts"]
        .includes(words[0]!);
      const at = words.indexOf("--server");
      if (at >= 0) words.splice(at, 2);
      const more = words[0] === "start"
        ? ["--once"]
        : isLocal
        ? []
        : ["--server", hub.url];
      const ended = await run([...words, ...more], { cwd: temp.path, env });
      // Two hours ago there was no hub, and the laptop has done nothing.
      const nothing = /nothing|is not known|no such conflict/
        .test(ended.stderr);
      assert(ended.code === 0 || nothing, `${line}: ${ended.stderr}`);
    }
  }
});

test(
  "the README's walk through the daemon runs",
  ["curl", "bash"],
  async () => {
    await using world = new DaemonWorld();
    const { temp, env } = world;
    makePhotos(temp);
    await using receiver = await listen(temp.at("nas"), ["--keep-listening"]);
    await using hub = await serve(temp.at("hub"));
    Deno.writeTextFileSync(temp.at("key"), hub.key, { mode: 0o600 });
    const shells = blocks(section("The daemon"), "sh");
    const isInstall = (text: string): boolean => text.includes("install");
    const [first, last, ...more] = shells.filter((text) => !isInstall(text));
    for (const text of [first!, ...more, last!]) {
      const script = text.replaceAll(/^lockstep/gm, PROGRAM.join(" "))
        .replaceAll("ws://127.0.0.1:8080", receiver.url)
        .replaceAll("http://127.0.0.1:8000", hub.url)
        .replaceAll("/mnt/disk", temp.path + "/disk")
        .replaceAll("curl ", "curl --fail --silent --show-error ");
      const said = await shell(
        `cd "$1"; shift; export "$@"; mkdir -p disk; ${script}`,
        temp.path,
        ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      );
      if (text === first) {
        const [title] = blocks(section("The daemon"), "console")[0]!.split(
          "\n",
        );
        assertStringIncludes(said, title!);
      }
    }
    await assertSameTree(temp.at("photos"), temp.at("nas"));
    await assertSameTree(temp.at("photos"), temp.at("disk/photos"));
  },
);

/** A program that needs all of the library, and what it is made of. */
const PROJECT = `
  import { Gate, MemoryFileSystem, sync } from "lockstep";
  import { fileSystemContract } from "lockstep/contract";

  const tests: string[] = [];
  fileSystemContract("mine", () => {
    throw new Error("not run");
  }, (name) => void tests.push(name));
  if (tests.length < 30 || Gate === undefined) Deno.exit(1);
  const memory = new MemoryFileSystem();
  const place = { fileSystem: memory, path: "/copy" };
  await sync("photos", place);
  await sync(place, "backup");
`;
