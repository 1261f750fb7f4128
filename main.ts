/** The program: runs the command line and exits with its code. */
import { ProcessOutput } from "./src/cli/output.ts";
import { printStack, run } from "./src/cli/run.ts";
import { messageOf } from "./src/errors.ts";

// They would override where `Deno.serve` listens and what it sends.
Deno.env.delete("DENO_SERVE_ADDRESS");
Deno.env.delete("DENO_SERVE_AUTOMATIC_COMPRESSION");

const output = new ProcessOutput();
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  output.message(`lockstep: ${messageOf(event.reason)}`);
  printStack(event.reason, output);
  Deno.exit(1);
});

Deno.exit(await run(Deno.args, output));
