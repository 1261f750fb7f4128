/**
 * A process of its own that swaps directories with symbolic links, as fast as it
 * can, until its standard input ends (Linux). Its argument is a JSON array of
 * {@link Swap}s; it prints how many swaps it made.
 *
 * The two names are exchanged by one system call, so that there is never a moment
 * without an entry at the path, by which a program could notice.
 */
/** One place: `path` is a directory, and becomes by turns a link to `target`. */
export interface Swap {
  readonly path: string;
  /** Where the other one of the two waits, in a directory of its own. */
  readonly aside: string;
  readonly target: string;
}

const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

if (import.meta.main) {
  const swaps: Swap[] = JSON.parse(Deno.args[0]!);
  const count = await swapUntilTold(swaps);
  await Deno.stdout.write(new TextEncoder().encode(String(count)));
}

async function swapUntilTold(swaps: readonly Swap[]): Promise<number> {
  const libc = Deno.dlopen("libc.so.6", {
    renameat2: {
      parameters: ["i32", "buffer", "i32", "buffer", "u32"],
      result: "i32",
    },
  });
  const places = swaps.map((swap) => ({
    ...swap,
    a: new TextEncoder().encode(`${swap.path}\0`),
    b: new TextEncoder().encode(`${swap.aside}\0`),
  }));
  const exchange = ({ a, b }: typeof places[number]): boolean =>
    libc.symbols.renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) === 0;

  let told = false;
  const end = (async () => {
    await Deno.stdin.read(new Uint8Array(1));
    told = true;
  })();
  let count = 0;
  for (let i = 0; !told; i++) {
    const place = places[i % places.length]!;
    // Whatever the program has put there gives way to the link again.
    if (!isLink(place.aside)) {
      removeIfThere(place.aside);
      Deno.symlinkSync(place.target, place.aside);
    }
    if (exchange(place)) {
      count++;
      // Sometimes for a moment only, sometimes for longer than a call takes.
      spin(i % 7 * 40);
      exchange(place);
    }
    if (i % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await end;
  libc.close();
  return count;
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function spin(microseconds: number): void {
  const until = performance.now() + microseconds / 1000;
  while (performance.now() < until);
}
