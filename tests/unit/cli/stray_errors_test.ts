import { assertEquals } from "@std/assert";

const MODULE = new URL("../../../src/cli/stray_errors.ts", import.meta.url);

/** Runs a script in a process of its own: the events are the process's. */
async function script(body: string): Promise<{ code: number; lines: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { catchStrayErrors, handleStrayErrors } from "${MODULE.href}";
      const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
      ${body}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, lines: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("P12: stray errors go to whoever is in charge, and end nothing", async () => {
  const { code, lines } = await script(`
    catchStrayErrors((error) => console.log("last", error.message));
    {
      using _ = handleStrayErrors((error) => console.log("now", error.message));
      Promise.reject(new Error("a"));
      setTimeout(() => { throw new Error("b"); }, 0);
      await pause();
    }
    Promise.reject(new Error("c"));
    await pause();
    queueMicrotask(() => { throw new Error("d"); });
    await pause();
  `);
  assertEquals({ code, lines }, {
    code: 0,
    lines: "now a\nnow b\nlast c\nlast d\n",
  });
});
