import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { type Frame, FrameType } from "../../src/protocol/frame.ts";
import { ProblemReader } from "../../src/protocol/message.ts";
import type { Problem } from "../../src/core/problem.ts";
import { exists, namesIn } from "../support/disk_tree.ts";
import { Ground, MemoryReceiver } from "../support/hostile_ground.ts";
import { type HostileSender, Rejected } from "../support/hostile_peer.ts";
import {
  DIGEST,
  directory,
  file,
  hole,
  piece,
  put,
  remove,
  symlink,
  touch,
  tree,
  want,
} from "../support/hostile_records.ts";
import { has, test } from "../support/needs.ts";
import { SCAN } from "../support/served_endpoint.ts";
import { SENDER_CASES, TARGET_FILES } from "./hostile_sender_cases.ts";

/** What a target said that it could not do. */
function problemsIn(answer: readonly Frame[]): readonly Problem[] {
  const reader = new ProblemReader();
  for (const { type, payload } of answer) {
    if (type === FrameType.problems) reader.read(new ByteReader(payload));
  }
  return reader.problems;
}

/** Lets a sender work with a target that holds {@link TARGET_FILES}. */
async function withSender(
  work: (sender: HostileSender, ground: Ground) => Promise<void>,
): Promise<void> {
  await using ground = new Ground(TARGET_FILES);
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect();
  await work(sender, ground);
  ground.canary.assertAlive();
  assertEquals(await sender.bye(), undefined);
  await receiver.over();
  assertEquals(receiver.clock.timers, 0);
}

Deno.test("what is written by hand, with nothing wrong, is done", async () => {
  await withSender(async (sender, { target }) => {
    const changes = [
      put("new", file({ size: 3 })),
      put("file", file({ size: 5, mtime: 7000 })),
      put("sub", tree(["a", file({ size: 1 })], ["l", symlink("a")])),
      remove("inside"),
      touch("dir", directory({ mode: 0o700, mtime: 9000 })),
      touch("", directory()),
    ];
    const answer = await sender.push(changes, [
      piece("one"),
      piece("tw", { skip: 1, last: false }),
      hole(3, { offset: 2 }),
      piece("3", { skip: 1 }),
    ]);
    assertEquals(problemsIn(answer), []);
    assertEquals(namesIn(target), ["dir", "file", "link", "new", "sub"]);
    assertEquals(Deno.readTextFileSync(join(target, "file")), "tw\0\0\0");
    assertEquals(Deno.readLinkSync(join(target, "sub/l")), "a");
    assertEquals(Deno.statSync(join(target, "dir")).mtime?.getTime(), 9000);
  });
});

for (const [row, cases] of Map.groupBy(SENDER_CASES, ({ row }) => row)) {
  Deno.test(`${row}: ${cases.length} attempts of a sender end its session and change nothing`, async () => {
    await using ground = new Ground(TARGET_FILES);
    const receiver = new MemoryReceiver(ground.target);
    for (const { what, attack } of cases) {
      using sender = await receiver.connect();
      const verdict = await sender.rejection(attack).catch((error) => {
        throw new Error(what, { cause: error });
      });
      await receiver.over();
      assert(
        ["protocol", "unsafe-path"].includes(verdict.code),
        `${what}: ${verdict.code}, ${verdict.message}`,
      );
      ground.assertUnchanged();
    }
    // Whatever came before, the next one is served.
    using sender = await receiver.connect();
    await sender.scan();
    assertEquals(await sender.bye(), undefined);
    await receiver.over();
    assertEquals(receiver.clock.timers, 0);
  });
}

test(
  "A05: names that other systems take amiss are stored as they are, none is mapped",
  ["linux"],
  async () => {
    const names = [
      "C:",
      "C:\\x",
      "\\\\server\\share",
      "..\\x",
      "a\\..\\b",
      "x:stream",
      "CON",
      "aux.txt",
      "git~1",
      ".git ",
      "x.",
      "x ",
      " x",
      "a?*<>|",
    ].sort();
    await withSender(async (sender, { target }) => {
      const children = names.map((name) => [name, file()] as const);
      const pieces = names.map((_, i) => piece("", { skip: i === 0 ? 0 : 1 }));
      const answer = await sender.push([put("odd", tree(...children))], pieces);
      assertEquals(problemsIn(answer), []);
      assertEquals(namesIn(join(target, "odd")), names);
    });
  },
);

test(
  "A06: a name that is too long for the file system alone is left out and named, the rest is done",
  ["linux"],
  async () => {
    const long = "x".repeat(256);
    await withSender(async (sender, { target }) => {
      const changes = [
        put(long, file({ size: 1 })),
        put("near", file({ size: 1 })),
        put("sub", tree(["a", file({ size: 1 })], [long, file({ size: 1 })])),
        put("z", tree([long, tree()], [`${long}l`, symlink("x")])),
      ];
      const answer = await sender.push(changes, [
        piece("1"),
        ...["2", "3", "4"].map((text) => piece(text, { skip: 1 })),
      ]);
      assertEquals(
        problemsIn(answer).map(({ code, path }) => [code, path]).sort(),
        [
          ["failed", `sub/${long}`],
          ["failed", `z/${long}`],
          ["failed", `z/${long}l`],
          ["failed", long],
        ].sort(),
      );
      assertEquals(Deno.readTextFileSync(join(target, "near")), "2");
      assertEquals(namesIn(join(target, "sub")), ["a"]);
    });
  },
);

Deno.test("A07: a directory that became a link since the scan is not entered", async () => {
  await withSender(async (sender, { target, canary }) => {
    await sender.scan();
    await sender.stage(put("dir", symlink("../outside")));
    await sender.transition();
    assertEquals(Deno.readLinkSync(join(target, "dir")), "../outside");
    // The receiver still goes by its scan, in which it was a directory.
    const attempts = [
      put("dir/new", file({ size: 1 })),
      put("dir/inner", symlink("/etc")),
      remove("dir/inner"),
      touch("dir", directory({ mode: 0 })),
    ];
    for (const [i, attempt] of attempts.entries()) {
      const wants = await sender.stage(attempt);
      if (wants.length > 0) await sender.content(piece("x"));
      const problems = problemsIn(await sender.transition());
      assertEquals(problems.map(({ code }) => code), ["stale"], `attempt ${i}`);
      canary.assertAlive();
    }
  });
});

Deno.test("A08: links are copied as they are, wherever they point, and never followed", async () => {
  const targets = [
    "/etc",
    "../../../../etc/passwd",
    "../outside",
    "../outside/file",
    ".",
    "..",
    "/",
    "l0",
    "/proc/self/fd/0",
    "\x1b[31m",
    " ",
  ];
  await withSender(async (sender, { target }) => {
    const links = targets.map((to, i) => put(`l${i}`, symlink(to)));
    const tooLong = put("m", symlink("x".repeat(5_000)));
    const answer = await sender.push([...links, tooLong], []);
    // What no file system of this machine can hold is left out and named.
    assertEquals(
      problemsIn(answer).map(({ code, path }) => [code, path]),
      has("linux") ? [["failed", "m"]] : [],
    );
    for (const [i, to] of targets.entries()) {
      assertEquals(Deno.readLinkSync(join(target, `l${i}`)), to);
    }
    // The next scan shows the links, and nothing behind them.
    await sender.scan();
    await sender.stage(...targets.map((_, i) => remove(`l${i}`)));
    assertEquals(problemsIn(await sender.transition()), []);
  });
});

Deno.test("A10: names that differ in case or form alone are two names", async () => {
  const names = ["A", "a", "\u00e9", "e\u0301"].sort();
  await withSender(async (sender, { target }) => {
    if (!has("linux")) return;
    const children = names.map((name) => [name, tree()] as const);
    await sender.push([put("twins", tree(...children))], []);
    assertEquals(namesIn(join(target, "twins")), names);
  });
});

test(
  "A13: a file of 2^53 - 1 bytes of nothing takes no room, or is left out and named",
  ["linux"],
  async () => {
    await withSender(async (sender, { target }) => {
      const size = 2 ** 53 - 1;
      const answer = await sender.push(
        [put("huge", file({ size })), put("new", file({ size: 1 }))],
        [hole(size), piece("1", { skip: 1 })],
      );
      const failed = problemsIn(answer).map(({ path }): string => path);
      if (exists(join(target, "huge"))) {
        const stat = Deno.statSync(join(target, "huge"));
        assertEquals([stat.size, stat.blocks], [size, 0]);
        assertEquals(failed, []);
      } else assertEquals(failed, ["huge"]);
      assertEquals(Deno.readTextFileSync(join(target, "new")), "1");
    });
  },
);

Deno.test("A14: content that is not what its digest says is found by the next look at the bytes", async () => {
  await withSender(async (sender) => {
    // The sender decides what a file holds, so nobody else can be wronged by it.
    await sender.scan({ ...SCAN, checksum: true });
    const change = put("new", file({ size: 3, digest: DIGEST }));
    await sender.stage(change);
    await sender.content(piece("new"));
    assertEquals(problemsIn(await sender.transition()), []);
    await sender.scan({ ...SCAN, checksum: true });
    assertEquals(await sender.stage(change), want(0, 1));
    await sender.content(piece("new"));
  });
});

test(
  "A22: no bit beyond rwxrwxrwx is ever set, and the umask takes nothing away",
  ["modes"],
  async () => {
    await withSender(async (sender, { target }) => {
      await sender.push(
        [
          put("all", file({ mode: 0o777 })),
          put("none", file({ mode: 0 })),
          touch("dir", directory({ mode: 0o777 })),
        ],
        [piece(""), piece("", { skip: 1 })],
      );
      const modes = ["all", "none", "dir"].map((name) =>
        (Deno.lstatSync(join(target, name)).mode ?? 0) & 0o7777
      );
      assertEquals(modes, [0o777, 0, 0o777]);
    });
  },
);

test(
  "A23: times up to the ends of what a Date can hold do no harm",
  ["linux"],
  async () => {
    const times = [
      -8.64e15,
      -62_135_596_800_000,
      -1,
      0,
      253_402_300_800_000,
      8.64e15,
    ];
    await withSender(async (sender, { target }) => {
      for (const mtime of times) {
        const answer = await sender.push(
          [
            put("f", file({ mtime })),
            put("d", directory({ mtime })),
            put("l", symlink("x", Math.max(0, mtime))),
            touch("dir", directory({ mtime })),
          ].map((change, i) => i === 1 ? Uint8Array.of(...change, 0) : change),
          [piece("")],
        );
        // Kept where the file system can, else left out; never believed to be there.
        const failed = problemsIn(answer).map(({ path }): string => path);
        for (const name of ["f", "d", "l", "dir"]) {
          if (failed.includes(name)) continue;
          const there = Deno.lstatSync(join(target, name)).mtime?.getTime();
          if (name !== "l") assertEquals(there, mtime, `${name} of ${mtime}`);
        }
        await sender.scan();
        const names = ["f", "d", "l"].filter((name) =>
          exists(join(target, name))
        );
        await sender.stage(...names.map((name) => remove(name)));
        assertEquals(problemsIn(await sender.transition()), []);
      }
    });
  },
);

Deno.test("A27: no ignore rule of a sender makes a scan stand still", async () => {
  const stars = (count: number, text: string): string => text.repeat(count);
  const rules = [
    stars(2_000, "*a"),
    `${stars(1_300, "a*b")}c`,
    `${stars(1_000, "**/")}x`,
    `${stars(1_000, "**/*")}y`,
    `${stars(2_000, "?")}*`,
    stars(1_000, "[!a]"),
    stars(1_024, "{a,"),
    stars(2_000, "(a"),
    "(a+)+$",
    "[",
    "\\",
    "!",
    "/",
  ];
  await using ground = new Ground({
    ...TARGET_FILES,
    ["a".repeat(255)]: "1",
    ["ab".repeat(127)]: { ["a".repeat(255)]: { ["ab".repeat(127)]: "2" } },
  });
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect();
  const given = [...rules, ...rules.map((rule) => `!${rule}`)];
  for (const all of [...given.map((rule) => [rule]), given]) {
    try {
      await sender.scan({ ...SCAN, ignore: { files: [], rules: all } });
    } catch (error) {
      // A rule that is none is refused; the session goes on.
      if (!(error instanceof Rejected)) throw error;
      assertEquals(error.verdict.code, "unsupported");
    }
  }
  await sender.scan();
  assertEquals(await sender.bye(), undefined);
  await receiver.over();
  ground.assertUnchanged();
});

Deno.test("A27: an ignore file of the target that a sender names is not told to it", async () => {
  const secret = "c4nary[";
  await using ground = new Ground({ ...TARGET_FILES, secret: `${secret}\n` });
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect();
  const ignore = { files: ["secret"], rules: [] };
  const answer = await sender.scan({ ...SCAN, ignore });
  for (const { payload } of answer) {
    assert(!new TextDecoder().decode(payload).includes("c4nary"));
  }
  assertEquals(await sender.bye(), undefined);
  await receiver.over();
});

Deno.test("A31: names that JavaScript treats in a special way are ordinary files", async () => {
  const names = [
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "valueOf",
  ];
  await withSender(async (sender, { target }) => {
    const children = names.map((name) => [name, file({ size: 1 })] as const);
    const changes = [
      ...names.map((name) => put(name, file({ size: 1 }))),
      put("sub", tree(...children)),
    ];
    const pieces = Array.from(
      { length: 2 * names.length },
      (_, i) => piece("1", { skip: i === 0 ? 0 : 1 }),
    );
    assertEquals(problemsIn(await sender.push(changes, pieces)), []);
    assertEquals(namesIn(join(target, "sub")), names);
    await sender.scan();
    await sender.stage(...names.map((name) => remove(name)), remove("sub"));
    assertEquals(problemsIn(await sender.transition()), []);
    assertEquals(namesIn(target), ["dir", "file", "inside", "link"]);
  });
});

Deno.test("A12: a sender that never ends its list gets nothing done, and goes when it falls silent", async () => {
  await using ground = new Ground(TARGET_FILES);
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect();
  await sender.scan();
  for (let i = 0; i < 100; i++) {
    const payload = put(`new${i}`, tree());
    await sender.raw.send(FrameType.stage, { exchange: 3, payload });
  }
  await receiver.clock.advance(16_000);
  await receiver.over();
  assertMatch(lastReason(receiver), /nothing was heard/);
  ground.assertUnchanged();
});

Deno.test("A33: who is silent is cut off, in the handshake and in the middle of a file", async () => {
  await using ground = new Ground(TARGET_FILES);
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect();
  await sender.scan();
  await sender.stage(put("new", file({ size: 9 })));
  await sender.raw.send(FrameType.content, {
    exchange: 5,
    payload: piece("new", { last: false }),
  });
  await receiver.clock.advance(16_000);
  await receiver.over();
  assertMatch(lastReason(receiver), /nothing was heard/);
  ground.assertUnchanged();
  const silent = receiver.connectSilently();
  await receiver.clock.advance(11_000);
  await receiver.over();
  assertMatch(lastReason(receiver), /did not introduce itself/);
  silent.close();
  assertEquals(receiver.clock.timers, 0);
});

function lastReason({ events }: MemoryReceiver): string {
  const event = events.at(-1);
  if (event?.kind === "broken") return event.error.message;
  return event?.kind === "refused" ? event.reason : `${event?.kind}`;
}
