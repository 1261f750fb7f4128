/** `serve --mirror`: a directory that is equal with the hub, in both directions. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { curl, serve, upload } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { assertUntouched, listTree } from "../support/oracle.ts";
import { run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const NEEDS = ["curl", "signals"] as const;

function textAt(path: string): string | undefined {
  return exists(path) ? Deno.readTextFileSync(path) : undefined;
}

test(
  "a hub and its mirror get what the other one has and changes",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const dir = temp.directory("files");
    const env = { XDG_STATE_HOME: temp.at("state") };
    writeTree(dir, { here: "from the directory", d: { deep: "x" } });
    {
      const args = ["--no-auth", "--mirror", dir];
      await using hub = await serve(temp.at("data"), args, { env });
      await hub.event("mirrored");
      const { body } = await curl("", `${hub.url}/download/d/deep`);
      assertEquals(body, "x");
      await upload(hub, "", "there/new", "from the hub");
      await until(
        "the upload",
        () => textAt(`${dir}/there/new`) === "from the hub",
      );
      Deno.writeTextFileSync(`${dir}/here`, "edited");
      await until("the edit", async () => {
        return (await curl("", `${hub.url}/download/here`)).body === "edited";
      });
      await curl("", "-X", "DELETE", `${hub.url}/files/d/deep`);
      await until("the deletion", () => !exists(`${dir}/d/deep`));
      Deno.removeSync(`${dir}/there/new`);
      await until("the other one", async () => {
        return (await curl("", `${hub.url}/download/there/new`)).status === 404;
      });
      hub.kill("SIGTERM");
      assertEquals((await hub.ended).code, 0);
    }
    // What happened while the hub was away is found by what both agreed on.
    Deno.removeSync(`${dir}/here`);
    Deno.writeTextFileSync(`${dir}/offline`, "made meanwhile");
    await using hub = await serve(
      temp.at("data"),
      ["--no-auth", "--mirror", dir],
      { env },
    );
    await hub.event("mirrored");
    assertEquals((await curl("", `${hub.url}/download/here`)).status, 404);
    const { body } = await curl("", `${hub.url}/download/offline`);
    assertEquals(body, "made meanwhile");
    assertEquals(namesIn(dir), ["d", "offline", "there"]);
  },
);

test(
  "J02: a mirror that was emptied or lost halts, and the hub keeps all",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const dir = temp.directory("files");
    const env = { XDG_STATE_HOME: temp.at("state") };
    const args = ["--no-auth", "--mirror", dir, "--mirror-interval", "100"];
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`f${i}`, `${i}`]),
    );
    writeTree(dir, files);
    {
      await using hub = await serve(temp.at("data"), args, { env });
      await hub.event("mirrored");
      for (const name of namesIn(dir)) Deno.removeSync(`${dir}/${name}`);
      const halted = await hub.event("halted");
      assertStringIncludes(String(halted["message"]), "has lost all");
      Deno.removeSync(dir);
      const gone = until(
        "the loss of the root",
        () =>
          hub.events.some(({ event, message }) =>
            event === "halted" && String(message).includes("is gone")
          ),
      );
      await gone;
      const { json } = await curl("", `${hub.url}/files?limit=100`);
      assertEquals(json.records.filter(isFile).length, 30);
    }
    // Whoever says so gets it back.
    const again = [...args, "--allow-new-root"];
    await using hub = await serve(temp.at("data"), again, { env });
    await hub.event("mirrored");
    assertEquals(namesIn(dir), Object.keys(files).sort());
  },
);

test(
  "J05: what goes from a mirror bit by bit stops it like what goes at once",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const dir = temp.directory("files");
    const names = Array.from({ length: 60 }, (_, i) => `f${i}`);
    writeTree(dir, Object.fromEntries(names.map((name) => [name, name])));
    await using hub = await serve(temp.at("data"), [
      ...["--no-auth", "--mirror", dir, "--mirror-interval", "100"],
    ], { env: { XDG_STATE_HOME: temp.at("state") } });
    const rounds = (): number =>
      hub.events.filter(({ event }) => event === "mirrored").length;
    await until("the first round", () => rounds() === 1);
    for (const name of names.slice(0, 12)) Deno.removeSync(`${dir}/${name}`);
    await until("the first part to go", () => rounds() === 2);
    for (const name of names.slice(12, 24)) Deno.removeSync(`${dir}/${name}`);
    const halted = await hub.event("halted");
    // How many come in one round is not for us to say.
    assertStringIncludes(String(halted["message"]), "of 60");
    const { json } = await curl("", `${hub.url}/files?limit=100`);
    assert(json.records.filter(isFile).length > 36);
  },
);

test(
  "C19: a mirror and the hub's data or the state may not lie in each other",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const dir = temp.directory("files");
    const data = temp.at("data");
    writeTree(dir, { f: "f" });
    const before = listTree(temp.path);
    const tries: readonly (readonly string[])[] = [
      ["--data-dir", data, "--mirror", data],
      ["--data-dir", `${dir}/hub`, "--mirror", dir],
      ["--data-dir", data, "--mirror", `${data}/files`],
      ["--data-dir", data, "--mirror", dir, "--state-dir", `${dir}/state`],
    ];
    for (const args of tries) {
      const { code, stderr } = await run(["serve", "--port", "0", ...args]);
      assertEquals(code, 2, `${args}: ${stderr}`);
      assertStringIncludes(stderr, "--mirror");
    }
    assertUntouched(temp.path, before);
  },
);

function isFile({ kind }: { readonly kind: string }): boolean {
  return kind === "file";
}
