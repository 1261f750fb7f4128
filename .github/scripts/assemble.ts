/**
 * Makes the files of a release out of the executables in dist/ (`deno task compile
 * --all`): each packed, the install scripts with the address of the releases in
 * them, the units for systemd, the manual page, the bill of materials, the notes
 * and SHA256SUMS. What is published is in dist/release, and the notes beside it.
 *
 *   --repository URL   where the project lives
 *   --dist DIR         where the executables are; dist unless given
 *   --tag TAG          has to be "v" and the version of deno.json
 */
import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join } from "@std/path";
import { createHash } from "node:crypto";
import { manPage } from "../../src/cli/man_page.ts";
import { VERSION } from "../../src/cli/version.ts";
import { notesFor } from "./changelog.ts";
import { billOfMaterials } from "./sbom.ts";
import { TARGETS } from "./targets.ts";

const GITHUB = fromFileUrl(new URL("../", import.meta.url));
const ROOT = join(GITHUB, "..");

/** In .github/install; the address of the releases is put in. */
const SCRIPTS = ["install.sh", "install.ps1"];
const UNITS = ["lockstep-listen@.service", "lockstep-serve.service"];

if (import.meta.main) {
  const { repository, dist, tag } = parseArgs([...Deno.args], {
    string: ["repository", "dist", "tag"],
    default: { dist: join(ROOT, "dist") },
  });
  if (tag !== undefined && tag !== `v${VERSION}`) {
    throw new Error(`The tag is ${tag}, and the version is ${VERSION}`);
  }
  await assemble(String(dist), String(repository));
}

/** Makes all files; each executable has to be there. */
async function assemble(dist: string, repository: string): Promise<void> {
  if (!URL.canParse(repository)) throw new Error("--repository URL is missing");
  const out = join(dist, "release");
  await removeOld(out);
  await Deno.mkdir(out);
  const write = (name: string, text: string): Promise<void> =>
    Deno.writeTextFile(join(out, name), text);
  const read = (...names: string[]): Promise<string> =>
    Deno.readTextFile(join(...names));

  for (const name of Object.values(TARGETS)) await pack(dist, name, out);
  for (const name of SCRIPTS) {
    const script = await read(GITHUB, "install", name);
    await write(
      name,
      script.replaceAll("@RELEASES@", `${repository}/releases`),
    );
  }
  for (const name of UNITS) {
    await write(name, await read(GITHUB, "install", name));
  }
  await write("lockstep.1", manPage());
  const lock = JSON.parse(await read(ROOT, "deno.lock"));
  const release = { version: VERSION, repository, created: new Date() };
  const bill = billOfMaterials(lock, release);
  await write("sbom.spdx.json", `${JSON.stringify(bill, undefined, 2)}\n`);
  await write("SHA256SUMS", await sumsOf(out));
  const changelog = await read(GITHUB, "CHANGELOG.md");
  await Deno.writeTextFile(
    join(dist, "notes.md"),
    notesFor(changelog, VERSION),
  );
}

async function removeOld(directory: string): Promise<void> {
  try {
    await Deno.remove(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function pack(dist: string, name: string, out: string): Promise<void> {
  const source = await Deno.open(join(dist, name));
  const target = await Deno.create(join(out, `${name}.gz`));
  await source.readable.pipeThrough(new CompressionStream("gzip"))
    .pipeTo(target.writable);
}

/** As `sha256sum` prints it, in order of the names. */
async function sumsOf(directory: string): Promise<string> {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  const lines = [];
  for (const name of names) {
    const hash = createHash("sha256");
    const file = await Deno.open(join(directory, name));
    for await (const bytes of file.readable) hash.update(bytes);
    lines.push(`${hash.digest("hex")}  ${name}\n`);
  }
  return lines.join("");
}
