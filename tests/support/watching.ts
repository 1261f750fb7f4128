/** A directory that is being watched and sent to a receiver, by real processes. */
import { assertEquals } from "@std/assert";
import { assertSameTree } from "./oracle.ts";
import { listen, type Program, type Receiver, startSync } from "./program.ts";
import type { TcpProxy } from "./tcp_proxy.ts";
import { TempDir } from "./temp.ts";
import { until } from "./until.ts";

/** How a {@link Watching} is started. */
export interface WatchingOptions {
  readonly sync?: readonly string[];
  readonly listen?: readonly string[];
  /** Makes the tree as it is at first. */
  readonly prepare?: (source: string) => void;
  /** What the sender connects to, if not to the receiver itself. */
  readonly through?: TcpProxy;
  /** Words before the sender's program. */
  readonly under?: readonly string[];
}

/** A sender that watches, and its receiver; the owner disposes of both. */
export class Watching implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source = this.temp.at("source");
  readonly target = this.temp.at("target");
  receiver!: Receiver;
  sender!: Program;

  /** Resolves when the first round is through. */
  static async start(options: WatchingOptions = {}): Promise<Watching> {
    const watching = new Watching();
    Deno.mkdirSync(watching.source);
    options.prepare?.(watching.source);
    watching.receiver = await listen(watching.target, options.listen);
    const { through, under } = options;
    const { port, url } = watching.receiver;
    if (through !== undefined) through.serverPort = port;
    watching.sender = startSync(
      watching.source,
      through?.url ?? url,
      ["--watch", ...options.sync ?? []],
      under && { under },
    );
    await watching.sender.event("synced");
    return watching;
  }

  /** Waits until both trees are equal. */
  async equal(what = "both trees to be equal"): Promise<void> {
    let last: unknown;
    await until(what, async () => {
      try {
        await assertSameTree(this.source, this.target);
        return true;
      } catch (error) {
        last = error;
        // Each look takes a process of its own.
        await new Promise((resolve) => setTimeout(resolve, 20));
        return false;
      }
    }).catch((error) => {
      throw new Error(
        `${error.message}\n${last}\nsender: ${this.sender.stdout}\n${this.sender.stderr}\n` +
          `receiver: ${this.receiver.stdout}\n${this.receiver.stderr}`,
      );
    });
  }

  /** Ends the sender in the usual way; both sides are to end well. */
  async stop(signal: Deno.Signal = "SIGINT"): Promise<void> {
    this.sender.kill(signal);
    const sent = await this.sender.ended;
    assertEquals([sent.code, sent.stderr], [0, ""], sent.stdout);
    const received = await this.receiver.ended;
    assertEquals([received.code, received.stderr], [0, ""], received.stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender?.[Symbol.asyncDispose]();
    await this.receiver?.[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}
