/** An rsync daemon on loopback, to measure against. */
import { join } from "@std/path";
import { until } from "../support/until.ts";

/** A running daemon; its owner disposes of it. */
export class RsyncDaemon implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts one that writes to `target`; its own files go to `directory`. */
  static async start(directory: string, target: string): Promise<RsyncDaemon> {
    const port = freePort();
    const config = join(directory, "rsyncd.conf");
    const owner = Deno.uid() === 0 ? ["uid = root", "gid = root"] : [];
    Deno.writeTextFileSync(
      config,
      [
        "use chroot = no",
        // Looking up the name of 127.0.0.1 may take longer than the transfer.
        "reverse lookup = no",
        `log file = ${join(directory, "rsyncd.log")}`,
        `pid file = ${join(directory, "rsyncd.pid")}`,
        ...owner,
        "[target]",
        `path = ${target}`,
        "read only = no",
        "",
      ].join("\n"),
    );
    const child = new Deno.Command("rsync", {
      args: [
        "--daemon",
        "--no-detach",
        "--address=127.0.0.1",
        `--port=${port}`,
        `--config=${config}`,
      ],
      stdin: "null",
    }).spawn();
    const daemon = new RsyncDaemon(child, port);
    await until("the rsync daemon to listen", async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    });
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
    await this.#child.status;
  }
}

/** The address under which the daemon at `port` takes what it is sent. */
export function rsyncUrl(port: number): string {
  return `rsync://127.0.0.1:${port}/target/`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
