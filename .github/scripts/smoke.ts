/**
 * Tries the executable of a release on the system that it is for: installs it with
 * the script that users install it with, and runs the tests of the executable.
 *
 *   deno run -A .github/scripts/smoke.ts DIR     (what assemble.ts has made)
 *
 * COMMIT, where set, is the commit that it has to be made from.
 */
import { fromFileUrl, join, resolve } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const WINDOWS = Deno.build.os === "windows";

if (import.meta.main) {
  const [release = ""] = Deno.args;
  const place = await Deno.makeTempDir({ prefix: "lockstep-smoke-" });
  try {
    await install(resolve(release), place);
    const executable = join(place, WINDOWS ? "lockstep.exe" : "lockstep");
    await checkCommit(executable);
    await mirror(executable, place);
    await run(Deno.execPath(), ["test", "-A", "tests/e2e/executable_test.ts"], {
      LOCKSTEP_BIN: executable,
    });
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

/** Runs the install script against a server that has the files of `release`. */
async function install(release: string, place: string): Promise<void> {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(options, async (request) => {
    const name = new URL(request.url).pathname.split("/").at(-1)!;
    try {
      const file = await Deno.open(join(release, name));
      return new Response(file.readable);
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  const script = join(release, WINDOWS ? "install.ps1" : "install.sh");
  const args = WINDOWS
    ? ["-NoProfile", "-ExecutionPolicy", "Bypass", "-File", script]
    : [script];
  await run(WINDOWS ? "powershell" : "sh", args, {
    LOCKSTEP_RELEASES: `http://127.0.0.1:${server.addr.port}`,
    LOCKSTEP_INSTALL_DIR: place,
  });
}

/** @throws {Error} If it was made from something else. */
async function checkCommit(executable: string): Promise<void> {
  const expected = Deno.env.get("COMMIT");
  const { stdout } = await new Deno.Command(executable, {
    args: ["--version", "--json"],
  }).output();
  const { commit } = JSON.parse(new TextDecoder().decode(stdout));
  if (expected !== undefined && commit !== expected) {
    throw new Error(`It was made from ${commit}, not from ${expected}`);
  }
}

/** A first sync copies, a second one has nothing to do, and the copy is good. */
async function mirror(executable: string, place: string): Promise<void> {
  const [from, to] = [join(place, "from"), join(place, "to")];
  await Deno.mkdir(join(from, "directory"), { recursive: true });
  await Deno.writeTextFile(join(from, "directory", "file"), "content");
  const env = { XDG_STATE_HOME: join(place, "state") };
  for (const command of ["sync", "sync", "verify"]) {
    await run(executable, [command, "--from", from, "--to", to], env);
  }
  await run(executable, ["doctor", "--state-dir", join(place, "state")], env);
}

async function run(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const { code } = await new Deno.Command(name, {
    args: [...args],
    cwd: ROOT,
    env,
  }).spawn().status;
  if (code !== 0) throw new Error(`${name} ${args.join(" ")}: exit ${code}`);
}
