/** Ignore rules decide as git does, path by path: git itself is asked. */
import { assert, assertEquals } from "@std/assert";
import { IgnoreScope, RuleSet } from "../../src/core/ignore.ts";
import { parseIgnoreFile } from "../../src/core/ignore_file.ts";
import { IgnoreTree } from "../../src/core/ignore_tree.ts";
import { parseRelPath, type RelPath } from "../../src/core/path.ts";
import { makeWorld, type World } from "../support/ignore_world.ts";
import { test } from "../support/needs.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";

/** Trees; each has some twenty paths. More with LOCKSTEP_RUNS. */
const WORLDS = Math.ceil(Number(Deno.env.get("LOCKSTEP_RUNS") ?? 2_000) / 10);

/** What was decided of one path, as `git check-ignore -v` says it. */
interface Verdict {
  readonly path: string;
  /** "directory/.gitignore:line" of the rule; "" if there is none. */
  readonly rule: string;
  readonly ignored: boolean;
}

test("ignore rules decide as git check-ignore does", ["git"], async () => {
  await using temp = new TempDir();
  let paths = 0;
  let matched = 0;
  for (let seed = 1; seed <= WORLDS; seed++) {
    const world = makeWorld(new Random(seed));
    const root = temp.directory(`world ${seed}`);
    await build(root, world);
    const ours = decideAll(world);
    assertEquals(ours, await askGit(root, world), `seed ${seed}`);
    Deno.removeSync(root, { recursive: true });
    paths += ours.length;
    matched += ours.filter(({ rule }) => rule !== "").length;
  }
  assert(paths >= 10 * WORLDS, `${paths} paths are too few`);
  assert(matched >= paths / 5, `Rules match only ${matched} of ${paths} paths`);
});

async function build(root: string, world: World): Promise<void> {
  await git(root, ["init", "--quiet"]);
  for (const path of world.paths) {
    if (path.endsWith("/")) Deno.mkdirSync(`${root}/${path}`);
    else if (path.endsWith("b")) Deno.symlinkSync(".", `${root}/${path}`);
    else Deno.writeTextFileSync(`${root}/${path}`, "");
  }
  for (const [directory, content] of world.ignoreFiles) {
    Deno.writeFileSync(`${root}/${directory}.gitignore`, content);
  }
}

function decideAll({ paths, ignoreFiles }: World): Verdict[] {
  const own = new Map<RelPath, RuleSet[]>();
  for (const [directory, content] of ignoreFiles) {
    const rules = parseIgnoreFile(content, `${directory}.gitignore`);
    own.set(parseRelPath(directory.slice(0, -1)), [new RuleSet(rules)]);
  }
  const tree = new IgnoreTree(IgnoreScope.NONE, own);
  return paths.map((path) => {
    const isDirectory = path.endsWith("/");
    const relative = parseRelPath(isDirectory ? path.slice(0, -1) : path);
    const { rule, ignored } = tree.decide(relative, isDirectory);
    const { file, line } = rule?.origin ?? {};
    return { path, rule: rule === undefined ? "" : `${file}:${line}`, ignored };
  });
}

async function askGit(root: string, { paths }: World): Promise<Verdict[]> {
  const asked = paths.map((path) => path.replace(/\/$/, ""));
  const output = await git(
    root,
    ["check-ignore", "--verbose", "--non-matching", "--no-index", "-z"]
      .concat("--stdin"),
    asked.map((path) => `${path}\0`).join(""),
  );
  const fields = output.split("\0");
  return paths.map((path, i) => {
    const [file, line, pattern, told] = fields.slice(4 * i, 4 * i + 4);
    assertEquals(told, asked[i]);
    const rule = file === "" ? "" : `${file}:${line}`;
    return { path, rule, ignored: rule !== "" && !pattern!.startsWith("!") };
  });
}

/** Runs git without any configuration but that of the repository. */
async function git(
  cwd: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command("git", {
    args: ["-c", "core.ignoreCase=false", ...args],
    cwd,
    env: {
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      XDG_CONFIG_HOME: cwd,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  // 1 says that nothing is ignored.
  assert(code <= 1, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
