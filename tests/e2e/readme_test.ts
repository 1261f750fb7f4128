/** The README is true: its commands run, and its tables name what there is. */
import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/command_table.ts";
import { EXIT_CODE_MEANINGS } from "../../src/cli/exit_code.ts";
import { helpText } from "../../src/cli/help.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, Program, run } from "../support/program.ts";
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

Deno.test("the README names no option that does not exist", () => {
  const help = Object.keys(COMMANDS).map((name) =>
    helpText(name as keyof typeof COMMANDS)
  ).join("\n");
  const text = section("Mirror to another machine") +
    section("What is mirrored") + section("Output for programs");
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
  const documented = section("Output for programs");
  await using receiver = await listen(temp.at("backup"));
  const sent = await run(
    ["sync", "--from", photos, "--to", receiver.url, "--json"],
  );
  for (const event of [...sent.events, ...(await receiver.ended).events]) {
    const row = documented.split("\n").find((line) =>
      line.startsWith(`| \`${event.event}\``)
    );
    assert(row !== undefined, `${event.event} has no row`);
    for (const field of Object.keys(event)) {
      if (field === "event" || field === "time") continue;
      assert(row.includes(`\`${field}\``), `${field} is not in: ${row}`);
    }
  }
});

test("the README's program runs", ["symlinks"], async () => {
  await using temp = new TempDir();
  const photos = makePhotos(temp);
  const [code] = blocks(section("As a library"), "ts");
  const library = new URL("../../src/mod.ts", import.meta.url).href;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const file = temp.at("example.ts");
  Deno.writeTextFileSync(file, code!.replace("./src/mod.ts", library));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--check", "--config", config, file],
    cwd: temp.path,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  await assertSameTree(photos, temp.at("backup"));
});
