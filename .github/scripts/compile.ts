/**
 * `deno task compile`: makes executables that need neither Deno nor this
 * repository. Without arguments one for this machine, `lockstep` at the top.
 *
 *   --all             one for each system of a release, in dist/
 *   --target NAME     the one for that system, in dist/
 *   --output FILE     where to write the one executable
 *
 * It compiles a copy of the program in which the commit is written down, so that
 * the working tree stays as it is. COMPILE_DENO names another Deno to do it with,
 * DENORT_BIN the runtime to put in (Deno fetches its own otherwise).
 */
import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join, resolve } from "@std/path";
import { isTarget, PERMISSIONS, type Target, TARGETS } from "./targets.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** All that the program is made of. */
const PARTS = ["main.ts", "src", "deno.json", "deno.lock"];

/** One executable to be made. */
interface Product {
  /** The system that it is for; undefined: this one. */
  readonly target: Target | undefined;
  readonly output: string;
}

/** What whoever has called it can mend. */
class Fault extends Error {}

if (import.meta.main) {
  try {
    await compileAll(productsOf(Deno.args));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const line = `compile: ${error.message}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
    Deno.exitCode = 1;
  }
}

async function compileAll(products: readonly Product[]): Promise<void> {
  const copy = await Deno.makeTempDir({ prefix: "lockstep-compile-" });
  try {
    for (const part of PARTS) {
      await copyTree(join(ROOT, part), join(copy, part));
    }
    const build = { commit: await currentCommit() };
    await Deno.writeTextFile(
      join(copy, "src/cli/build.json"),
      JSON.stringify(build),
    );
    for (const product of products) await compile(copy, product);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** What the command line asks for. @throws {Fault} If it makes no sense. */
function productsOf(args: readonly string[]): Product[] {
  const { all, target, output, _: rest } = parseArgs([...args], {
    boolean: ["all"],
    string: ["target", "output"],
    unknown: (name: string) => fail(`Unknown argument ${name}`),
  });
  if (rest.length > 0) fail(`Unknown argument ${rest[0]}`);
  if (all === true) {
    if (target !== undefined || output !== undefined) {
      fail("--all takes neither --target nor --output");
    }
    return Object.keys(TARGETS).filter(isTarget).map(inDist);
  }
  if (target !== undefined && !isTarget(String(target))) {
    fail(`Unknown target ${target}; there are ${Object.keys(TARGETS)}`);
  }
  const product = target === undefined
    ? { target, output: join(ROOT, "lockstep") }
    : inDist(String(target) as Target);
  return [
    output === undefined
      ? product
      : { ...product, output: resolve(String(output)) },
  ];
}

function inDist(target: Target): Product {
  return { target, output: join(ROOT, "dist", TARGETS[target]) };
}

async function compile(
  directory: string,
  { target, output }: Product,
): Promise<void> {
  const { success } = await new Deno.Command(compiler(), {
    args: [
      "compile",
      "--quiet",
      // `deno task check` is for that.
      "--no-check",
      "--frozen",
      ...PERMISSIONS,
      ...(target === undefined ? [] : ["--target", target]),
      "--output",
      output,
      "main.ts",
    ],
    cwd: directory,
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (!success) fail(`Cannot compile ${output}`);
}

function compiler(): string {
  return Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
}

/** The commit of the working tree, with "+" where that was changed since; "" without git. */
async function currentCommit(): Promise<string> {
  const commit = await git(["rev-parse", "HEAD"]);
  const changes = await git(["status", "--porcelain", "--", ...PARTS]);
  return commit === "" || changes === "" ? commit : `${commit}+`;
}

async function git(args: readonly string[]): Promise<string> {
  try {
    const command = new Deno.Command("git", {
      args: [...args],
      cwd: ROOT,
      stderr: "null",
    });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) {
    return await Deno.copyFile(from, to);
  }
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copyTree(join(from, name), join(to, name));
  }
}

function fail(message: string): never {
  throw new Fault(message);
}
