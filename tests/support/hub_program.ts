/** A hub as a process, and curl to talk to it. */
import { command } from "./command.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** A hub that is ready. */
export interface HubProgram extends Program {
  readonly port: number;
  readonly url: string;
  /** The key of the administrator, where this start has made it; else "". */
  readonly key: string;
}

/** Starts `serve`, on a free port unless `args` say which, and waits until it is ready. */
export async function serve(
  dataDir: string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Promise<HubProgram> {
  const port = args.includes("--port") ? [] : ["--port", "0"];
  const program = new Program(
    ["serve", ...port, "--data-dir", dataDir, "--json", ...args],
    options,
  );
  try {
    const { port, url } = await program.event("serving");
    const made = program.events.find(({ event }) => event === "key-created");
    const key = made?.key ?? "";
    return Object.assign(program, {
      port: port as number,
      url: String(url),
      key: String(key),
    });
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** What curl got. */
export interface CurlAnswer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The body, where it is JSON. */
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

/** Runs curl with the words of `args`; the address comes first among them. */
export async function curl(
  key: string,
  ...args: readonly string[]
): Promise<CurlAnswer> {
  const auth = key === "" ? [] : ["-H", `Authorization: Bearer ${key}`];
  const { code, stdout, stderr } = await command("curl", [
    ...["--silent", "--show-error", "--include", "--path-as-is"],
    ...["--max-time", "60", "-H", "Expect:"],
    ...auth,
    ...args,
  ]);
  if (code !== 0) throw new Error(`curl ${args}: exit ${code}: ${stderr}`);
  const end = stdout.indexOf("\r\n\r\n");
  const [first = "", ...lines] = stdout.slice(0, end).split("\r\n");
  const body = stdout.slice(end + 4);
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return {
    status: Number(first.split(" ")[1]),
    headers,
    body,
    json: parse(body),
  };
}

/** Uploads `content`, as `curl -F` does it. */
export async function upload(
  { url }: { readonly url: string },
  key: string,
  path: string,
  content: string,
  fields: Readonly<Record<string, string | number>> = {},
): Promise<CurlAnswer> {
  const more = Object.entries(fields).flatMap(([name, value]) => [
    "--form-string",
    `${name}=${value}`,
  ]);
  return await curl(
    key,
    `${url}/upload`,
    ...["--form-string", `path=${path}`, ...more],
    ...["-F", `file=${content};filename=x`],
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
