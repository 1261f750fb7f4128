/** What somebody has recorded on the way to a hub, and plays again. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeTree } from "../support/disk_tree.ts";
import { serve } from "../support/hub_program.ts";
import { type Ended, sync } from "../support/program.ts";
import { Recorder } from "../support/recorder.ts";
import { TempDir } from "../support/temp.ts";

for (const mode of ["two-way", "mirror"] as const) {
  Deno.test(`D06: a recorded session that is played to a hub again changes nothing (${mode})`, async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), ["--no-auth"]);
    const dir = temp.directory("dir");
    const go = async (url: string): Promise<Ended> => {
      const args = mode === "two-way" ? ["--two-way"] : [];
      const env = { XDG_STATE_HOME: temp.at("state") };
      const ended = await sync(dir, `${url}/engine`, args, { env });
      assertEquals(ended.code, 0, ended.stderr);
      return ended;
    };
    const history = async (): Promise<unknown> =>
      (await fetch(`${hub.url}/history`)).json();
    await using recorder = new Recorder(hub.port);
    writeTree(dir, { file: "old", gone: "old" });
    await go(recorder.url);
    Deno.removeSync(join(dir, "gone"));
    writeTree(dir, { file: "a newer version" });
    await go(hub.url.replace("http", "ws"));
    const before = await history();

    assertStringIncludes(await recorder.play(), "it was recorded");
    assertEquals(await history(), before);
    // The hub is as it was for everybody else.
    writeTree(dir, { file: "the newest version" });
    await go(hub.url.replace("http", "ws"));
  });
}
