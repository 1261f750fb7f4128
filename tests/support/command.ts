/** Running the tools of the system. */

/** What a tool said and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool to its end; a tool that is missing ends with 127. */
export async function command(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<CommandResult> {
  try {
    const output = await new Deno.Command(name, {
      ...options,
      args: [...args],
      stdin: "null",
    }).output();
    return {
      code: output.code,
      stdout: new TextDecoder().decode(output.stdout),
      stderr: new TextDecoder().decode(output.stderr),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, stdout: "", stderr: `${name} is not installed` };
  }
}

/** Runs a script of `sh`; `$1` and on are `args`. @throws If it fails. */
export async function shell(
  script: string,
  ...args: string[]
): Promise<string> {
  const result = await command("bash", ["-euc", script, "bash", ...args]);
  if (result.code === 0) return result.stdout;
  throw new Error(`${script}: exit ${result.code}: ${result.stderr}`);
}

/** Whether a tool of this name is on the PATH. */
export function hasCommand(name: string): boolean {
  const path = Deno.env.get("PATH") ?? "";
  return path.split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}
