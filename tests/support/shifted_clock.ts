/**
 * Runs the program with a wall clock that is wrong. To be put before the words
 * that start the program: `deno run -A shifted_clock.ts SHIFT deno run -A main.ts …`.
 * SHIFT is a number of milliseconds; with `AT:` before it, the clock jumps by so
 * much that many milliseconds after the start.
 */
const [shift, , , , main, ...args] = Deno.args;
const [by, at = "0"] = shift!.split(":").reverse();

const now = Date.now.bind(Date);
const Real = Date;
const shifted = (): number =>
  now() + (performance.now() >= Number(at) ? Number(by) : 0);

globalThis.Date = new Proxy(Real, {
  construct: (_, [...given]): Date =>
    Reflect.construct(Real, given.length === 0 ? [shifted()] : given),
  get: (_, property): unknown =>
    property === "now" ? shifted : Reflect.get(Real, property),
});
Object.defineProperty(Deno, "args", { value: args });
await import(`file://${main}`);
