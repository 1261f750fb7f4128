import { assertEquals } from "@std/assert";

const MODULE = new URL("../../../src/cli/stray_errors.ts", import.meta.url);

/** Runs a script in a process of its own: the events are the process's. */
async function script(body: string): Promise<{ code: number; lines: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { catchStrayErrors, handleStrayErrors } from "${MODULE.href}";
      let heard = 0;
      const tell = (whom) => (error) => {
        console.log(whom, error.message);
        heard++;
      };
      const hear = async (count) => {
        while (heard < count) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      ${body}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, lines: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("P12: stray errors go to whoever is in charge, and end nothing", async () => {
  const { code, lines } = await script(`
    catchStrayErrors(tell("last"));
    {
      using _ = handleStrayErrors(tell("now"));
      Promise.reject(new Error("a"));
      await hear(1);
      setTimeout(() => { throw new Error("b"); }, 0);
      await hear(2);
    }
    Promise.reject(new Error("c"));
    await hear(3);
    queueMicrotask(() => { throw new Error("d"); });
    await hear(4);
  `);
  assertEquals({ code, lines }, {
    code: 0,
    lines: "now a\nnow b\nlast c\nlast d\n",
  });
});
