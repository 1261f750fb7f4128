/** The place where a sync is tried: what most tests of it begin with. */
import { TempDir } from "./temp.ts";

/** A source, a target, both empty, and a state directory that all runs share. */
export class Scene implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source: string = this.temp.directory("source");
  readonly target: string = this.temp.directory("target");
  readonly env = { XDG_STATE_HOME: this.temp.at("state") };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }
}
