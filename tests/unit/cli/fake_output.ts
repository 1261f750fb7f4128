/** An output that remembers, and a clock that is set by hand. */
import type { Output } from "../../../src/cli/output.ts";
import type { ReportClock } from "../../../src/cli/report.ts";

/** Remembers what was printed. */
export class FakeOutput implements Output {
  readonly results: string[] = [];
  readonly messages: string[] = [];
  readonly lives: string[] = [];
  readonly columns: number | undefined;

  constructor(columns?: number) {
    this.columns = columns;
  }

  result(line: string): void {
    this.results.push(line);
  }

  message(line: string): void {
    this.messages.push(line);
  }

  live(text: string): void {
    this.lives.push(text);
  }

  screen(lines: readonly string[]): void {
    this.results.push(...lines);
  }
}

/** Time stands still until `time` is set. */
export class FakeClock implements ReportClock {
  time = 0;

  now(): number {
    return this.time;
  }

  date(): Date {
    return new Date(this.time);
  }
}
