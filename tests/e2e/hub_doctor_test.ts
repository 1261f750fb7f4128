/** `doctor --data-dir`: looks at the data of a hub that is stopped. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { serve, upload } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

test(
  "doctor ends with 1 where a hub's data is damaged",
  ["curl", "signals"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    {
      await using hub = await serve(data, ["--no-auth"]);
      await upload(hub, "", "plan.txt", "the plan");
      hub.kill("SIGTERM");
      await hub.ended;
    }
    const args = ["doctor", "--data-dir", data, "--json"];
    const well = await run(args);
    const checks = well.events.map(({ check }) => check);
    assert(checks.includes("versions"), well.stdout);
    assertEquals(well.events.filter(({ state }) => state === "bad"), []);
    Deno.removeSync(temp.at("data", "packs", "1.pack"));
    const bad = await run(args);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.stdout, "plan.txt, version 1, current");
  },
);
