/** What a hub leaves out at all of its clients. */
import { assertEquals } from "@std/assert";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { curl, serve } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { type Ended, run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

test("G22: what a policy ignores leaves the set, and is deleted nowhere", [
  "curl",
], async () => {
  await using temp = new TempDir();
  const mirror = temp.directory("mirror");
  const dir = temp.directory("client");
  const env = { XDG_STATE_HOME: temp.at("state") };
  await using hub = await serve(
    temp.at("data"),
    ["--no-auth", "--mirror", mirror],
    { env: { XDG_STATE_HOME: temp.at("state-of-hub") } },
  );
  const config = temp.at("config.yaml");
  const well = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await run([...args, "--json"], { env });
    assertEquals(ended.code, 0, `${args}: ${ended.stderr}`);
    return ended;
  };
  await well(
    ...["init", "--name", "laptop", "--sync-dir", dir],
    ...["--server", hub.url, "--config", config],
  );
  writeTree(dir, { "a.log": "a", kept: "1", d: { "b.log": "b" } });
  const once = ["start", "--once", "--config", config];
  await well(...once);
  await until("the mirror", () => exists(`${mirror}/d/b.log`));
  const rules = temp.at("rules");
  Deno.writeTextFileSync(rules, "# no logs\n*.log\n");
  await well("policy", "set", rules, "--server", hub.url);
  const shown = await well("policy", "show", "--server", hub.url);
  assertEquals(shown.events[0]!["rules"], ["*.log"]);
  // At either side some are deleted, edited and made, and none of that counts.
  Deno.removeSync(`${dir}/a.log`);
  writeTree(dir, { "new.log": "new", also: "2" });
  Deno.removeSync(`${mirror}/d/b.log`);
  await well(...once);
  await until("the mirror", () => exists(`${mirror}/also`));
  assertEquals(namesIn(dir), ["also", "d", "kept", "new.log"]);
  assertEquals(namesIn(`${dir}/d`), ["b.log"]);
  assertEquals(namesIn(mirror).filter((n) => n.endsWith(".log")), ["a.log"]);
  const status = async (path: string): Promise<number> =>
    (await curl("", `${hub.url}/download/${path}`)).status;
  assertEquals(
    [await status("a.log"), await status("d/b.log"), await status("new.log")],
    [200, 200, 404],
  );
  await well("policy", "clear", "--server", hub.url);
  const cleared = await curl("", `${hub.url}/policy`);
  assertEquals(cleared.json, { rules: [] });
  const bad = JSON.stringify({ rules: ["a\0"] });
  const refused = await curl("", `${hub.url}/policy`, "--json", bad);
  assertEquals(refused.status, 400);
});
