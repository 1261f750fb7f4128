/**
 * Shows Lockstep at work (`deno task demo`): a receiver and a sender, as two
 * processes, keep a temporary tree in step. Exits with 1 if it is not as claimed.
 */
import { TextLineStream } from "@std/streams";
import { writeTree } from "./disk_tree.ts";
import { PROGRAM } from "./program.ts";
import { TempDir } from "./temp.ts";
import { until } from "./until.ts";

/** Where the trees are, in the temporary directory. */
const SITE = "site";
const COPY = "mirror/site";

const encoder = new TextEncoder();

Deno.exit(await demo() ? 0 : 1);

async function demo(): Promise<boolean> {
  await using temp = new TempDir();
  const site = temp.at(SITE);

  title("A directory, and none yet at the other end");
  writeTree(site, {
    "index.html": "<h1>Hello</h1>\n",
    img: { "photo.raw": crypto.getRandomValues(new Uint8Array(60_000)) },
    docs: { "guide.md": "# Guide\n", old: { "notes.txt": "to be deleted\n" } },
    empty: {},
  });
  if (Deno.build.os !== "windows") {
    Deno.symlinkSync("index.html", `${site}/home.html`);
    Deno.chmodSync(`${site}/docs/guide.md`, 0o600);
  }
  showTree(site);

  title("The first run copies everything");
  if (!await mirror(temp)) return false;

  title("Some edits: one file changed, one new, a directory deleted");
  Deno.writeTextFileSync(`${site}/index.html`, "<h1>Hello again</h1>\n");
  writeTree(site, { img: { "new.svg": "<svg/>\n" } });
  Deno.removeSync(`${site}/docs/old`, { recursive: true });
  showTree(site);

  title("The second run carries only those over");
  if (!await mirror(temp)) return false;

  title("A third run finds nothing to do");
  return await mirror(temp);
}

/** Runs a receiver and a sender, and answers whether both did as they should. */
async function mirror(temp: TempDir): Promise<boolean> {
  const args = ["listen", "-p", "0", "-o", COPY];
  await using receiver = start("receiver", args, temp.path);
  const url = await receiver.find(/ws:\/\/127\.0\.0\.1:\d+/);
  const sync = ["sync", "-f", SITE, "-t", url];
  await using sender = start("sender", sync, temp.path);
  const codes = [await sender.code, await receiver.code];
  const equal = describe(temp.at(SITE)) === describe(temp.at(COPY));
  print(
    `exit codes: sender ${codes[0]}, receiver ${codes[1]}; the trees are ` +
      (equal ? "equal" : "NOT EQUAL"),
  );
  if (!equal) showTree(temp.at(COPY));
  return equal && codes.every((code) => code === 0);
}

/** A running program, whose output is shown line by line. */
interface Started extends AsyncDisposable {
  readonly code: Promise<number>;
  /** Waits for something on its output. @throws If it does not come. */
  find(pattern: RegExp): Promise<string>;
}

function start(who: string, args: readonly string[], cwd: string): Started {
  const prefix = `${who.padEnd(8)} | `;
  print(`${prefix}$ lockstep ${args.join(" ")}`);
  const [program, ...words] = [...PROGRAM, ...args];
  const child = new Deno.Command(program!, {
    args: words,
    cwd,
    env: { XDG_STATE_HOME: `${cwd}/state` },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const shown = Promise.all([show(child.stdout), show(child.stderr)]);
  const code = shown.then(async () => (await child.status).code);
  return {
    code,
    find: (pattern): Promise<string> =>
      until(`${pattern}`, () => pattern.exec(lines.join("\n"))?.[0]),
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await code;
    },
  };

  async function show(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const decoded = stream.pipeThrough(new TextDecoderStream());
    for await (const line of decoded.pipeThrough(new TextLineStream())) {
      print(`${prefix}${line}`);
      lines.push(line);
    }
  }
}

function showTree(path: string): void {
  for (const line of describe(path).split("\n")) print(`  ${line}`);
}

/** One line per entry, with all that a mirror has to keep. */
function describe(path: string, indent = ""): string {
  const names = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  return names.map((name) => {
    const child = `${path}/${name}`;
    const stat = Deno.lstatSync(child);
    const time = stat.mtime?.toISOString().slice(11);
    const mode = ((stat.mode ?? 0) & 0o777).toString(8);
    if (stat.isSymlink) {
      return `${indent}${name} -> ${Deno.readLinkSync(child)} (${time})`;
    }
    if (stat.isFile) {
      const digest = digestOf(Deno.readFileSync(child));
      return `${indent}${name} (${stat.size} bytes, ${digest}, ${mode}, ${time})`;
    }
    const below = describe(child, `${indent}  `);
    return `${indent}${name}/ (${mode}, ${time})${below && `\n${below}`}`;
  }).join("\n");
}

/** FNV-1a: enough to see that contents are the same. */
function digestOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function title(text: string): void {
  print(`\n== ${text}`);
}

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}
