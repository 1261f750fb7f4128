/** A saved plan is carried out exactly, or not at all. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, summaryOf } from "../support/carriers.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { type Ended, listen, Program, run, sync } from "../support/program.ts";
import { Scene } from "../support/scene.ts";

/** A source, a target that differs from it, and a file for the plan. */
class PlanScene extends Scene {
  readonly file = this.temp.at("plan");

  constructor() {
    super();
    writeTree(this.source, {
      d: { new: "1", changed: "12" },
      kind: "file",
      same: "",
    });
    writeTree(this.target, {
      d: { changed: "1" },
      kind: { x: "" },
      extra: { y: "" },
    });
  }

  async save(to: string, ...args: string[]): Promise<void> {
    const plan = ["--dry-run", "--plan", this.file, ...args];
    assertEnded(await sync(this.source, to, plan));
  }

  /** Carries the plan out. */
  async apply(...args: string[]): Promise<Ended> {
    return await run(["sync", "--apply", this.file, "--json", ...args]);
  }
}

function messageIn(ended: Ended): string {
  const error = ended.events.findLast(({ event }) => event === "error");
  return String(error?.message);
}

Deno.test("a plan that still fits is carried out, and only once", async () => {
  await using scene = new PlanScene();
  const { source, target } = scene;
  const before = listTree(target);
  await scene.save(target);
  assertUntouched(target, before);
  const ended = await scene.apply();
  assertEnded(ended);
  assertEquals(summaryOf(ended).problems, 0);
  await assertSameTree(source, target);
  const again = await scene.apply();
  assertEnded(again, 4);
  assert(messageIn(again).includes("now: nothing to do"), messageIn(again));
});

Deno.test("a plan for a listener is carried out there", async () => {
  await using scene = new PlanScene();
  const { source, target } = scene;
  await using receiver = await listen(target);
  await scene.save(receiver.url);
  assertEnded(await scene.apply("--retry-for", "5"));
  assertEnded(await receiver.ended);
  await assertSameTree(source, target);
});

Deno.test("a plan for a target that is missing makes it, unless something is there by now", async () => {
  await using scene = new PlanScene();
  const missing = scene.temp.at("missing");
  await scene.save(missing);
  assert(!exists(missing));
  Deno.mkdirSync(missing);
  assertEnded(await scene.apply(), 4);
  assertEquals(namesIn(missing), []);
  Deno.removeSync(missing);
  writeTree(scene.source, { late: "" });
  assertEnded(await scene.apply(), 4);
  assert(!exists(missing));
  Deno.removeSync(`${scene.source}/late`);
  await scene.save(missing);
  assertEnded(await scene.apply());
  await assertSameTree(scene.source, missing);
});

const MOVES: readonly [
  string,
  (scene: Scene) => void,
  readonly string[],
][] = [
  [
    "a new file in the source",
    ({ source }) => writeTree(source, { d: { late: "" } }),
    ["d/late (planned: nothing to do; now: create (new)"],
  ],
  [
    "another file in the source than was planned",
    ({ source }) => writeTree(source, { d: { new: "123" } }),
    ["d/new (planned: create (new), a file of 1 bytes", "a file of 3 bytes"],
  ],
  [
    "something planned is gone",
    ({ source }) => Deno.removeSync(`${source}/kind`),
    ["kind (planned: replace (kind: directory -> file)", "now: delete (extra)"],
  ],
  [
    "something more to delete",
    ({ target }) => writeTree(target, { extra: { z: "" } }),
    ["extra/z (planned: nothing to do; now: delete (extra)"],
  ],
  [
    "what was to be replaced was edited",
    ({ target }) => writeTree(target, { d: { changed: "1234" } }),
    ["d/changed (planned: replace (size: 1 -> 2 bytes)", "size: 4 -> 2 bytes"],
  ],
];

for (const [what, move, parts] of MOVES) {
  Deno.test(`a plan is refused as a whole: ${what}`, async () => {
    await using scene = new PlanScene();
    const { target } = scene;
    await scene.save(target);
    move(scene);
    const before = listTree(target);
    const ended = await scene.apply();
    assertEnded(ended, 4);
    const message = messageIn(ended);
    for (const part of ["nothing was changed", ...parts]) {
      assert(message.includes(part), message);
    }
    assertUntouched(target, before);
  });
}

Deno.test("a refusal counts all differences, and names five", async () => {
  await using scene = new PlanScene();
  await scene.save(scene.target);
  for (let i = 0; i < 8; i++) writeTree(scene.source, { [`late ${i}`]: "" });
  const message = messageIn(await scene.apply());
  assert(/ (8|9) paths differ: /.test(message), message);
  assertEquals(message.match(/\(planned:/g)?.length, 5);
});

Deno.test("a plan keeps the options that it was made with", async () => {
  await using scene = new PlanScene();
  const { source, target } = scene;
  writeTree(target, { same: "" });
  await scene.save(target, "--no-delete", "--checksum");
  assertEnded(await scene.apply(), 3);
  assertEquals(namesIn(`${target}/extra`), ["y"]);
  assert(exists(`${source}/kind`));
  for (
    const more of [
      ["--checksum"],
      ["--no-delete"],
      ["--symlinks", "skip"],
      ["--max-delete", "1"],
      ["--allow-delete", "all"],
      ["--allow-new-root"],
      ["--dry-run"],
    ]
  ) {
    const ended = await scene.apply(...more);
    assertEnded(ended, 2);
    assert(ended.stderr.includes(more[0]!), ended.stderr);
  }
});

Deno.test("--from and --to may say what the plan says, and nothing else", async () => {
  await using scene = new PlanScene();
  const { source, target, temp } = scene;
  await scene.save(target);
  assertEnded(await scene.apply("--from", temp.path), 2);
  assertEnded(await scene.apply("--to", temp.at("other")), 2);
  assertEnded(await scene.apply("--to", "ws://127.0.0.1:1"), 2);
  assertEnded(await scene.apply("--from", `${source}/`, "--to", `${target}/.`));
  await assertSameTree(source, target);
});

Deno.test("a plan needs --dry-run, and a place outside of what it is about", async () => {
  await using scene = new PlanScene();
  const { source, target, temp } = scene;
  const before = listTree(temp.path);
  const table: [string[], number, string][] = [
    [["--plan", temp.at("p")], 2, "--dry-run"],
    [["-n", "--plan", `${source}/p`], 2, "inside"],
    [["-n", "--plan", `${target}/p`], 2, "inside"],
    [["-n", "--plan", temp.at("no", "where")], 1, "Cannot write the plan"],
  ];
  for (const [args, code, part] of table) {
    const ended = await sync(source, target, args);
    assertEnded(ended, code);
    assert(messageIn(ended).includes(part), messageIn(ended));
  }
  assertUntouched(temp.path, before);
});

Deno.test("a damaged plan is refused with the line that is damaged", async () => {
  await using scene = new PlanScene();
  const { source, target, file, temp } = scene;
  await scene.save(target);
  const good = Deno.readTextFileSync(file);
  const lines = good.split("\n");
  const before = listTree(target);
  const table: [(lines: string[]) => string[], RegExp][] = [
    [() => [""], /:1: /],
    [([first]) => [first!], /:2: the plan ends too early/],
    [(all) => all.slice(1), /:1: this is no plan/],
    [(all) => all.slice(0, -2), /: the plan ends too early/],
    [(all) => all.toSpliced(1, 1), /: the plan has \d+ of its \d+ actions/],
    [(all) => all.toSpliced(1, 0, all[1]!), /:3: .* comes twice/],
    [(all) => all.toSpliced(-1, 0, "{}"), /: something comes after the end/],
    [(all) => all.with(1, "{"), /:2: this is no JSON/],
    [(all) => all.with(2, "[]"), /:3: this is no JSON object/],
    [(all) => all.with(1, all[1]!.slice(0, -3)), /:2: /],
    [(all) => all.with(0, all[0]!.replace(/version":1/, 'version":2')), /:1: /],
    [(all) => all.with(0, all[0]!.replace("false", "0")), /:1: "options"/],
    [(all) => all.with(1, all[1]!.replace("d/", "../")), /:2: Unsafe path/],
    [
      (all) => all.with(1, all[1]!.replace("d/", ".lockstep/")),
      /:2: the name .lockstep is reserved/,
    ],
    [(all) => all.with(1, all[1]!.replace("mtime", "time")), /:2: the time/],
  ];
  for (const [damage, expected] of table) {
    Deno.writeTextFileSync(file, damage([...lines]).join("\n"));
    const ended = await scene.apply();
    assertEnded(ended, 2);
    const message = messageIn(ended);
    assert(message.startsWith(file) && expected.test(message), message);
  }
  Deno.writeFileSync(file, new Uint8Array([0xff, 0xfe, 0x0a]));
  assertEnded(await scene.apply(), 2);
  Deno.removeSync(file);
  assertEnded(await scene.apply(), 2);
  assertUntouched(target, before);
  assertEquals(namesIn(temp.path), ["source", "target"]);
  assert(exists(source));
});

Deno.test("later rounds do not go beyond the plan", async () => {
  await using scene = new PlanScene();
  const { source, target } = scene;
  // Enough that there is time to interfere between the scan and the end.
  const big = new Uint8Array(64 * 1024 * 1024).fill(1);
  writeTree(source, { big });
  await scene.save(target);
  await using program = new Program(["sync", "--apply", scene.file, "--json"]);
  await program.event("planned", { round: 1 });
  // The planned change is stale, and there is more to do than was planned.
  writeTree(target, { d: { changed: "somebody's" }, surprise: "" });
  const ended = await program.ended;
  // If all was over before somebody came, there was nothing to leave out.
  assert([0, 3].includes(ended.code), ended.stderr);
  assert(exists(`${target}/surprise`));
});

Deno.test("a plan takes the place of no link and no device", async () => {
  await using scene = new PlanScene();
  const { temp, source, target } = scene;
  Deno.writeTextFileSync(temp.at("precious"), "text");
  Deno.symlinkSync(temp.at("precious"), temp.at("link"));
  for (const place of [temp.at("link"), "/dev/null", temp.path]) {
    const ended = await sync(source, target, ["-n", "--plan", place]);
    assertEnded(ended, 2);
    assert(messageIn(ended).includes("is no regular file"), messageIn(ended));
  }
  assert(Deno.lstatSync(temp.at("link")).isSymlink);
  assert(!Deno.lstatSync("/dev/null").isFile);
  assertEquals(Deno.readTextFileSync(temp.at("precious")), "text");
});
