/** The program: runs the command line and exits with its code. */
import { ProcessOutput } from "./src/cli/output.ts";
import { printStack, run } from "./src/cli/run.ts";
import { catchStrayErrors } from "./src/cli/stray_errors.ts";
import { messageOf } from "./src/errors.ts";

const output = new ProcessOutput();
catchStrayErrors((error) => {
  output.message(`lockstep: ${messageOf(error)}`);
  printStack(error, output);
  Deno.exit(1);
});

Deno.exit(await run(Deno.args, output));
