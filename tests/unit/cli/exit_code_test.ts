import { assertEquals } from "@std/assert";
import {
  exitCodeOfError,
  exitCodeOfOutcome,
  worstOf,
} from "../../../src/cli/exit_code.ts";
import {
  FileSystemError,
  GuardError,
  IntegrityError,
  ProtocolError,
  SyncError,
  TransportError,
  UnsafePathError,
  UsageError,
} from "../../../src/errors.ts";

Deno.test("exitCodeOfError() tells what kind of failure it was", () => {
  const cases: [error: unknown, exit: number][] = [
    [new UsageError("x"), 2],
    [new GuardError("x"), 4],
    [new ProtocolError("x"), 5],
    [new ProtocolError("x", "busy"), 5],
    [new ProtocolError("x", "version"), 5],
    [new ProtocolError("x", "refused"), 5],
    [new UnsafePathError("x"), 5],
    [new TransportError("x"), 6],
    [new TransportError("x", "unreachable"), 6],
    [new TransportError("x", "peer-stopped"), 6],
    [new IntegrityError("x"), 1],
    [new FileSystemError("no-space", "x"), 1],
    [new FileSystemError("unsafe-path", "x"), 1],
    [new SyncError("failed", "x"), 1],
    [new TypeError("a bug"), 1],
    ["text", 1],
    [undefined, 1],
  ];
  for (const [error, exit] of cases) {
    assertEquals(exitCodeOfError(error), exit, String(error));
  }
});

Deno.test("exitCodeOfOutcome() is what a listener makes of its sender's end", () => {
  const codes =
    (["done", "partial", "halted", "interrupted", "failed", "planned"] as const)
      .map((kind) => exitCodeOfOutcome({ kind, message: "" }));
  assertEquals(codes, [0, 3, 4, 6, 6, 0]);
});

Deno.test("worstOf() is the code that weighs most, whatever the order", () => {
  const order = [130, 4, 1, 6, 5, 3, 0] as const;
  for (let i = 0; i < order.length; i++) {
    const rest = order.slice(i);
    assertEquals(worstOf(rest), order[i]);
    assertEquals(worstOf(rest.toReversed()), order[i]);
  }
  assertEquals(worstOf([]), 0);
});
