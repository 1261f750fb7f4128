/** What was received is on the disk before it gets its place, unless told otherwise. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import {
  callsIn,
  isFlush,
  type SystemCall,
  underStrace,
} from "../support/strace.ts";

/** Staged paths, and the names under which they get their place. */
const STAGED = {
  replaced: "replaced",
  created: "created",
  "new/deep/inner": "new",
};

class FlushScene extends Scene {
  constructor() {
    super();
    writeTree(this.source, {
      replaced: "new content",
      created: "1",
      new: { deep: { inner: "2" } },
    });
    writeTree(this.target, { replaced: "old" });
  }

  /** Mirrors with `args` where the writing is done: its calls, in their order. */
  async mirror(isRemote: boolean, ...args: string[]): Promise<SystemCall[]> {
    const log = this.temp.at("log");
    const options = { env: this.env, under: underStrace(log) };
    if (isRemote) {
      await using receiver = await listen(this.target, args, options);
      assertEnded(await sync(this.source, receiver.url));
      assertEnded(await receiver.ended);
    } else assertEnded(await sync(this.source, this.target, args, options));
    await assertSameTree(this.source, this.target);
    return callsIn(log);
  }

  isFlushed(call: SystemCall, path = ""): boolean {
    return isFlush(call) && call.text.includes(`<${this.target}${path}`);
  }
}

/** When what is staged as `name` gets that name in the tree: renamed, or linked. */
function placed(calls: readonly SystemCall[], name: string): number {
  return calls.findIndex((call) =>
    /^(rename|link)/.test(call.name) &&
    call.text.split(`/${name}"`).length === 3
  );
}

for (const isRemote of [false, true]) {
  const how = isRemote ? "over WebSocket" : "between directories";

  test(
    `staged content is flushed before it gets its place, ${how}`,
    ["strace"],
    async () => {
      await using scene = new FlushScene();
      const calls = await scene.mirror(isRemote);
      for (const [path, name] of Object.entries(STAGED)) {
        const flushed = calls.findIndex((call) =>
          scene.isFlushed(call, `/.lockstep/stage/${path}>`)
        );
        const done = placed(calls, name);
        assert(flushed >= 0, `${path} is flushed`);
        assert(done > flushed, `${path}: ${flushed}, then ${done}`);
      }
      const last = calls.findLastIndex((call) => scene.isFlushed(call, ">"));
      for (const name of Object.values(STAGED)) {
        assert(last > placed(calls, name), "the directory comes after it");
      }
    },
  );

  test(
    `with --no-fsync nothing is waited for, ${how}`,
    ["strace"],
    async () => {
      await using scene = new FlushScene();
      const calls = await scene.mirror(isRemote, "--no-fsync");
      assertEquals(calls.filter((call) => scene.isFlushed(call)), []);
      for (const name of Object.values(STAGED)) {
        assert(placed(calls, name) >= 0, `${name} is put in place`);
      }
    },
  );
}
