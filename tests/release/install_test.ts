/** `install.sh`, against a server of ours. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TARGETS } from "../../.github/scripts/targets.ts";
import { command, type CommandResult, hasCommand } from "../support/command.ts";
import { exists, namesIn } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { TempDir } from "../support/temp.ts";
import { FakeRelease } from "./kit.ts";

const NEEDS = ["linux", "curl"] as const;

/** The executable that this machine is given. */
const NAME = TARGETS[
  Deno.build.arch === "aarch64"
    ? "aarch64-unknown-linux-gnu"
    : "x86_64-unknown-linux-gnu"
];

/** A server of releases; what it was asked for is in `asked`. */
class Releases implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(release: FakeRelease) {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      const { pathname } = new URL(request.url);
      this.asked.push(pathname);
      try {
        const name = pathname.split("/").at(-1)!;
        return new Response(await Deno.readFile(`${release.files}/${name}`));
      } catch {
        return new Response("not found", { status: 404 });
      }
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function install(
  release: FakeRelease,
  env: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  // As it is used: read from a pipe.
  const child = new Deno.Command("sh", {
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(await Deno.readFile(`${release.files}/install.sh`));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

test(
  "install.sh puts the executable of this machine in its place",
  NEEDS,
  async () => {
    await using release = await FakeRelease.make();
    await using releases = new Releases(release);
    const place = release.temp.at("new", "bin");
    const env = {
      LOCKSTEP_RELEASES: releases.url,
      LOCKSTEP_INSTALL_DIR: place,
    };
    for (const version of ["", "9.9.9", "v9.9.9"]) {
      releases.asked.length = 0;
      const { code, stderr } = await install(release, {
        ...env,
        LOCKSTEP_VERSION: version,
      });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `lockstep 9.9.9 is now ${place}/lockstep`);
      assertStringIncludes(stderr, "PATH");
      const from = version === "" ? "/latest/download" : "/download/v9.9.9";
      assertEquals(releases.asked, [
        `${from}/SHA256SUMS`,
        `${from}/${NAME}.gz`,
      ]);
      assertEquals(namesIn(place), ["lockstep"]);
      assertEquals(Deno.statSync(`${place}/lockstep`).mode! & 0o777, 0o755);
    }
  },
);

test(
  "install.sh installs nothing that is not what was released",
  NEEDS,
  async () => {
    await using release = await FakeRelease.make();
    await using releases = new Releases(release);
    const place = release.temp.directory("bin");
    const env = {
      LOCKSTEP_RELEASES: releases.url,
      LOCKSTEP_INSTALL_DIR: place,
    };
    const [sums, packed] = [
      `${release.files}/SHA256SUMS`,
      `${release.files}/${NAME}.gz`,
    ];
    const [goodSums, goodPacked] = [
      Deno.readTextFileSync(sums),
      Deno.readFileSync(packed),
    ];
    Deno.writeTextFileSync(`${place}/lockstep`, "the old one");
    const others = goodSums.split("\n").filter((line) =>
      !line.endsWith(`${NAME}.gz`)
    );
    const faults: [title: string, make: () => void, says: string][] = [
      ["another file", () => Deno.writeTextFileSync(packed, "x"), "SHA-256"],
      [
        "a file that was cut off",
        () => Deno.writeFileSync(packed, goodPacked.slice(0, -1)),
        "SHA-256",
      ],
      [
        "no sum",
        () => Deno.writeTextFileSync(sums, others.join("\n")),
        "does not name",
      ],
      ["no sums", () => Deno.removeSync(sums), "Cannot fetch"],
      ["no file", () => Deno.removeSync(packed), "Cannot fetch"],
    ];
    for (const [title, make, says] of faults) {
      Deno.writeTextFileSync(sums, goodSums);
      Deno.writeFileSync(packed, goodPacked);
      make();
      const { code, stderr } = await install(release, env);
      assertEquals(code, 1, `${title}: ${stderr}`);
      assertStringIncludes(stderr, says, title);
      assertEquals(namesIn(place), ["lockstep"], title);
      assertEquals(Deno.readTextFileSync(`${place}/lockstep`), "the old one");
    }
  },
);

test(
  "install.sh says where it can't write, and what does not run",
  NEEDS,
  async () => {
    await using release = await FakeRelease.make("#!/bin/sh\nexit 1\n");
    await using releases = new Releases(release);
    const env = { LOCKSTEP_RELEASES: releases.url };
    const file = release.temp.at("file");
    Deno.writeTextFileSync(file, "");
    const closed = await install(release, {
      ...env,
      LOCKSTEP_INSTALL_DIR: `${file}/bin`,
    });
    assertEquals(closed.code, 1);
    assertStringIncludes(closed.stderr, "LOCKSTEP_INSTALL_DIR");
    assertEquals(releases.asked, []);
    const place = release.temp.at("bin");
    const broken = await install(release, {
      ...env,
      LOCKSTEP_INSTALL_DIR: place,
    });
    assertEquals(broken.code, 1);
    assertStringIncludes(broken.stderr, "does not run");
    assertEquals(namesIn(place), []);
  },
);

test("install.sh that was cut off on its way does nothing", NEEDS, async () => {
  await using release = await FakeRelease.make();
  const script = `${release.files}/install.sh`;
  const text = Deno.readTextFileSync(script);
  const end = text.lastIndexOf("main");
  Deno.writeTextFileSync(script, text.slice(0, end));
  const place = release.temp.at("bin");
  const { code } = await install(release, { LOCKSTEP_INSTALL_DIR: place });
  assertEquals([code, exists(place)], [0, false]);
});

test("Deno installs the command as the README says", ["signals"], async () => {
  await using temp = new TempDir();
  const root = new URL("../../", import.meta.url);
  const readme = Deno.readTextFileSync(new URL("README.md", root));
  const line = /^deno (install .*?) +#/m.exec(readme)![1]!;
  const installed = await new Deno.Command(Deno.execPath(), {
    args: line.split(" "),
    cwd: root,
    env: { DENO_INSTALL_ROOT: temp.path },
    stdout: "null",
    stderr: "piped",
  }).output();
  assert(installed.success, new TextDecoder().decode(installed.stderr));
  const { stdout } = await command(temp.at("bin", "lockstep"), ["--version"]);
  assertStringIncludes(stdout, "lockstep ");
});

Deno.test("the install scripts have no faults that shellcheck and a count of brackets know", async () => {
  const directory = new URL("../../.github/install/", import.meta.url);
  if (hasCommand("shellcheck")) {
    const path = new URL("install.sh", directory).pathname;
    const { success, stdout } = await new Deno.Command("shellcheck", {
      args: [path],
    }).output();
    assert(success, new TextDecoder().decode(stdout));
  }
  const text = await Deno.readTextFile(new URL("install.ps1", directory));
  const bare = text.replaceAll(/^ *#.*$/gm, "").replaceAll(/'[^'\n]*'/g, "");
  for (
    const [open, close] of ["{}", "()"].map((pair) =>
      [pair[0]!, pair[1]!] as const
    )
  ) {
    assertEquals(bare.split(open).length, bare.split(close).length, open);
  }
});
